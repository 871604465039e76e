import { readFile } from 'node:fs/promises';
import { contextId } from './context-id.ts';

/** A SQuAD-format file: articles of paragraphs with questions; `answers` is absent where they are withheld. */
interface SquadFile {
  data: {
    title: string;
    paragraphs: {
      context: string;
      qas: { id: string; question: string; answers?: { text: string; answer_start: number }[] }[];
    }[];
  }[];
}

export type SquadDocument = {
  doc_id: string;
  /** The article's title as published, such as `Armenian_Apostolic_Church`. */
  title: string;
  text: string;
};

export type SquadQuestion = {
  question_id: string;
  question: string;
  /** As published, one an annotator, so an answer may stand twice; empty where there is none or it is withheld. */
  answers: string[];
  /** Beside each answer, where it starts in the context, in UTF-16 code units. */
  answer_starts: number[];
  /** The one context the question was written for. */
  doc_ids: string[];
  title: string;
};

async function readSquad(path: string): Promise<SquadFile> {
  const file = JSON.parse(await readFile(path, 'utf8')) as Partial<SquadFile>;
  if (!Array.isArray(file.data)) {
    throw new Error(
      `${path}: not SQuAD format: found no "data" list at the top, wanted {"data": [{"title", "paragraphs"}]}`,
    );
  }
  return file as SquadFile;
}

/** Turns an offset in code points, as SQuAD files have it, into one in UTF-16 code units. */
export function utf16Offset(text: string, codePoints: number): number {
  let at = 0;
  for (let left = codePoints; left > 0 && at < text.length; left--) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}

/** The distinct contexts of SQuAD-format files, in the order they are first met. */
export async function* squadDocuments(paths: readonly string[]): AsyncGenerator<SquadDocument> {
  const seen = new Set<string>();
  for (const path of paths) {
    for (const article of (await readSquad(path)).data) {
      for (const { context } of article.paragraphs) {
        const id = contextId(context);
        if (seen.has(id)) continue;
        seen.add(id);
        yield { doc_id: id, title: article.title, text: context };
      }
    }
  }
}

/**
 * The questions of a SQuAD-format file, in its order.
 * @param wanted keeps an article by its title
 */
export async function* squadQuestions(
  path: string,
  wanted: (title: string) => boolean = () => true,
): AsyncGenerator<SquadQuestion> {
  for (const article of (await readSquad(path)).data) {
    if (!wanted(article.title)) continue;
    for (const { context, qas } of article.paragraphs) {
      // Without surrogates, code points and code units are the same.
      const plain = !/[\ud800-\udbff]/.test(context);
      for (const { id, question, answers = [] } of qas) {
        yield {
          question_id: id,
          question,
          answers: answers.map(answer => answer.text),
          answer_starts: answers.map(({ answer_start }) =>
            plain ? answer_start : utf16Offset(context, answer_start),
          ),
          doc_ids: [contextId(context)],
          title: article.title,
        };
      }
    }
  }
}
