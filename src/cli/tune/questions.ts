/** Questions to tune on: never those of a test set. */
import { findDataset } from '../../../datasets/index.ts';
import { UsageError } from '../errors.ts';
import { type GoldFile, type Judged, readGoldFile } from '../evaluate/files.ts';
import { counted } from '../table.ts';
import type { Asked } from './measure.ts';

/** Splits that are kept for measuring what was chosen. */
const KEPT = new Set(['test', 'withheld']);

export function askedOf(gold: GoldFile, qrels: GoldFile | undefined, shown: string): Asked[] {
  const asked: Asked[] = [];
  for (const [questionId, { question, ...judged }] of gold.judged) {
    const known = qrels === undefined ? judged : (qrels.judged.get(questionId) ?? {});
    if (question !== undefined && question !== '') asked.push({ questionId, question, judged: known });
  }
  if (asked.length < 2)
    throw new UsageError(`tune: ${shown} has ${counted(asked.length, 'question')} with a text`, {
      help: 'wanted rows with question_id, question and doc_ids (or answers, or --qrels FILE)',
    });
  return asked;
}

/**
 * Reads questions. Of a dataset with a test split all others are taken, and `notice` says so; one split is named as
 * `dataset:NAME/SPLIT`.
 * @throws UsageError where the test split is named
 */
export async function tuningQuestions(
  shown: string,
  root: string,
  notice: (message: string) => void,
): Promise<GoldFile> {
  const [name, split] = /^dataset:([^/]+)(?:\/(.+))?$/.exec(shown)?.slice(1) ?? [];
  if (name === undefined) return readGoldFile(shown, root);
  if (split !== undefined && KEPT.has(split))
    throw new UsageError(`tune: ${shown} is a test set`, {
      help: 'what is chosen on it can no longer be measured on it; name another split, such as dev',
    });
  const splits = split === undefined ? splitsOf(name) : [];
  const taken = splits.filter(s => !KEPT.has(s));
  if (taken.length === splits.length || taken.length === 0) return readGoldFile(shown, root);
  const judged = new Map<string, Judged>();
  for (const s of taken)
    for (const [id, known] of (await readGoldFile(`dataset:${name}/${s}`, root)).judged)
      judged.set(id, known);
  notice(`${shown}: ${taken.join(', ')}; ${splits.filter(s => KEPT.has(s)).join(', ')} is not looked at`);
  return { kind: 'questions', judged };
}

function splitsOf(name: string): readonly string[] {
  try {
    return findDataset(name).splits;
  } catch {
    // reading it says what is wrong
    return [];
  }
}
