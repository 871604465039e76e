/** Korean texts that the Korean encoder learns from: the train part of KoBEST BoolQ (Wikipedia paragraphs, questions). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDataset } from '../../datasets/index.ts';
import { sha256 } from './sources.ts';
import type { TextSet } from './texts.ts';

/** Columns of the train file: id, paragraph, question, answer. */
function train(): string[][] {
  const { locate } = findDataset('kobest-boolq');
  const lines = readFileSync(join(locate({}), 'kobest-boolq', 'train.tsv'), 'utf8').split('\r\n');
  return lines
    .slice(1)
    .filter(line => line !== '')
    .map(line => line.split('\t'));
}

const sentences = (text: string): string[] =>
  [...new Intl.Segmenter('ko', { granularity: 'sentence' }).segment(text)]
    .map(s => s.segment.trim())
    .filter(s => s.length >= 15);

function sample(texts: readonly string[], count: number): string[] {
  const keyed = [...new Set(texts)].map(text => [sha256(text), text] as const);
  return keyed
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .slice(0, count)
    .map(([, text]) => text);
}

/** `train` texts of both takes, and all paragraphs, whose pieces make the vocabulary. */
export function koreanTexts(): { sets: TextSet[]; paragraphs: string[] } {
  const table = train();
  const paragraphs = [...new Set(table.map(cells => cells[1]))];
  const questions = table.map(cells => cells[2]);
  return {
    paragraphs,
    sets: [
      { name: 'ko questions', texts: sample(questions, 2000) },
      { name: 'ko sentences', texts: sample(paragraphs.flatMap(sentences), 1536) },
    ],
  };
}
