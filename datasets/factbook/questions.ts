import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSplit } from '../descriptor.ts';
import { packageRoot } from '../folders.ts';
import { type BareQuestion, draw } from './derive.ts';

export const SPLITS = ['dev', 'test'] as const;
export type Split = (typeof SPLITS)[number];

export type FactbookQuestion = {
  question_id: string;
  question: string;
  /** Strings as they stand in a gold document; any of them is right. */
  answers: string[];
  /** Every document that rightly answers. */
  doc_ids: string[];
  /** `derived` from a field by a template, or `written` by a person from a document. */
  kind: 'derived' | 'written';
  /** By country: no country has gold documents in both. */
  split: Split;
};

const codeOf = (docId: string): string => docId.split('/')[1] ?? '';

/**
 * Gives each question its split. Countries that one question's gold documents come from go together; a group
 * is dev or test by a draw on its first code.
 */
export function splitsOf(questions: readonly BareQuestion[]): (question: BareQuestion) => Split {
  const parent = new Map<string, string>();
  const root = (code: string): string => {
    const up = parent.get(code) ?? code;
    return up === code ? code : root(up);
  };
  for (const { doc_ids } of questions) {
    const roots = doc_ids.map(id => root(codeOf(id))).sort();
    for (const other of roots) parent.set(other, roots[0] ?? other);
  }
  return question => (draw('split', root(codeOf(question.doc_ids[0] ?? ''))) % 2 === 0 ? 'dev' : 'test');
}

/** What is wrong with a set of questions, a line a problem: unknown documents, answers that stand nowhere, twins. */
export function questionProblems(
  questions: readonly FactbookQuestion[],
  texts: ReadonlyMap<string, string>,
): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { question_id, question, answers, doc_ids } of questions) {
    for (const key of [question_id, question.toLowerCase()]) {
      if (seen.has(key)) problems.push(`${question_id}: given twice: ${key}`);
      seen.add(key);
    }
    const unknown = doc_ids.filter(id => !texts.has(id));
    for (const id of unknown) problems.push(`${question_id}: no document ${id}`);
    const golds = doc_ids.map(id => texts.get(id) ?? '');
    if (golds.length === 0 || answers.length === 0)
      problems.push(`${question_id}: no gold document or no answer`);
    for (const answer of answers) {
      if (!golds.some(text => text.includes(answer)))
        problems.push(`${question_id}: "${answer}" is in no gold document`);
    }
    golds.forEach((text, at) => {
      if (!answers.some(answer => text.includes(answer)))
        problems.push(`${question_id}: ${doc_ids[at]} holds no answer`);
    });
  }
  return problems;
}

/**
 * The questions about the World Factbook that come with this package.
 * @param options.split one half only
 * @throws Error where the split is neither dev nor test
 */
export async function* factbookQuestions(options: { split?: string } = {}): AsyncGenerator<FactbookQuestion> {
  checkSplit('factbook', SPLITS, options.split);
  const lines = await readFile(join(packageRoot(), 'datasets/factbook.questions.jsonl'), 'utf8');
  for (const line of lines.split('\n')) {
    if (line === '') continue;
    const question = JSON.parse(line) as FactbookQuestion;
    if (options.split === undefined || question.split === options.split) yield question;
  }
}
