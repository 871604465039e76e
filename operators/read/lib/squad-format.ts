/** SQuAD-format files (SQuAD 1 and 2, KorQuAD 1, SQuADShifts): articles, paragraphs, questions, answers. */
import { UserError } from '../../../src/define/index.ts';
import { readWhole } from './bytes.ts';
import type { SourceFile } from './files.ts';

/** The largest file, which is held as a whole. */
const FILE_LIMIT = 400 * 2 ** 20;

export interface SquadParagraph {
  /** `data[3].paragraphs[2]` */
  readonly where: string;
  readonly title: string | null;
  readonly context: string;
  readonly qas: readonly unknown[];
}

/** A record of a file, or what is wrong with it. */
export type Found<T> = T | { readonly where: string; readonly wrong: string; readonly record?: unknown };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paragraphs of a file, in order. @throws UserError where the file is not of this format at all. */
export async function* squadParagraphs(file: SourceFile): AsyncGenerator<Found<SquadParagraph>> {
  const { bytes } = await readWhole(file, FILE_LIMIT);
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let root: unknown;
  try {
    root = JSON.parse(Buffer.from(bytes.buffer, mark).toString('utf8'));
  } catch (error) {
    throw new UserError(`${file.shown} is not JSON: ${(error as Error).message}`, {
      help: 'wanted one SQuAD-format document: {"data": [{"title", "paragraphs": [{"context", "qas"}]}]}',
    });
  }
  const data = isObject(root) ? root.data : undefined;
  if (!Array.isArray(data))
    throw new UserError(
      `${file.shown} has no list "data"${isObject(root) ? `; its fields are ${Object.keys(root).join(', ')}` : ''}`,
      { help: 'wanted SQuAD format: {"data": [{"title", "paragraphs": [{"context", "qas"}]}]}' },
    );
  for (const [a, article] of data.entries()) {
    const paragraphs = isObject(article) ? article.paragraphs : undefined;
    if (!Array.isArray(paragraphs)) {
      yield { where: `data[${a}]`, wrong: 'found no list "paragraphs"', record: article };
      continue;
    }
    const title = typeof article.title === 'string' ? article.title : null;
    for (const [p, paragraph] of paragraphs.entries()) {
      const where = `data[${a}].paragraphs[${p}]`;
      const context: unknown = isObject(paragraph) ? paragraph.context : undefined;
      if (typeof context !== 'string' || context === '')
        yield { where, wrong: 'found no text "context"', record: paragraph };
      else yield { where, title, context, qas: Array.isArray(paragraph.qas) ? paragraph.qas : [] };
    }
  }
}

export interface SquadQuestion {
  readonly question_id: string;
  readonly question: string;
  readonly answers: readonly string[];
  readonly answer_starts: readonly number[];
  readonly answerable: boolean;
}

const SURROGATES = /[\ud800-\udfff]/;

/** UTF-16 index of the code point at index `n`; -1 past the end. */
function utf16Index(text: string, n: number): number {
  let at = 0;
  for (let i = 0; i < n; i++) {
    if (at >= text.length) return -1;
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  return at;
}

/** Questions of one context: answers are checked to stand where they are said to. */
export class QuestionReader {
  readonly #context: string;
  readonly #plain: boolean;
  constructor(context: string) {
    this.#context = context;
    this.#plain = !SURROGATES.test(context);
  }
  /** @throws Error saying what is wrong. */
  read(qa: unknown): SquadQuestion {
    if (!isObject(qa)) throw new Error('found no object');
    const { id, question } = qa;
    if (typeof question !== 'string' || question === '') throw new Error('found no text "question"');
    if ((typeof id !== 'string' || id === '') && !Number.isSafeInteger(id)) throw new Error('found no "id"');
    const given = qa.answers ?? (isObject(qa.answer) ? [qa.answer] : []);
    if (!Array.isArray(given)) throw new Error('"answers" is no list');
    const answers: string[] = [];
    const starts: number[] = [];
    for (const answer of qa.is_impossible === true ? [] : given) {
      if (!isObject(answer) || typeof answer.text !== 'string') throw new Error('an answer has no "text"');
      answers.push(answer.text);
      starts.push(this.#start(answer.text, answer.answer_start));
    }
    return {
      question_id: String(id),
      question,
      answers,
      answer_starts: starts,
      answerable: answers.length > 0,
    };
  }
  /** The UTF-16 offset of an answer, from its offset in code points. */
  #start(answer: string, start: unknown): number {
    if (!Number.isInteger(start)) throw new Error(`answer "${answer}" has no whole number "answer_start"`);
    const at = this.#plain ? (start as number) : utf16Index(this.#context, start as number);
    if (at >= 0 && this.#context.startsWith(answer, at)) return at;
    // as many code points as the answer has, so that none is cut in two
    const length = [...answer].length;
    const there = [...this.#context.slice(Math.max(0, at), at + length * 2)].slice(0, length).join('');
    const found = at < 0 ? 'the end' : JSON.stringify(there);
    throw new Error(
      `found ${found} at answer_start ${start} (code points), wanted the answer ${JSON.stringify(answer)}`,
    );
  }
}
