/** Korean texts that the Korean encoder learns from: the train part of KoBEST BoolQ (Wikipedia paragraphs, questions). */
import { findDataset } from '../../datasets/index.ts';
import { sha256 } from './sources.ts';
import type { TextSet } from './texts.ts';

async function rows(take: string): Promise<Record<string, unknown>[]> {
  const { takes } = findDataset('kobest-boolq');
  const found: Record<string, unknown>[] = [];
  for await (const row of takes[take].rows({ split: 'train' })) found.push(row);
  return found;
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
export async function koreanTexts(): Promise<{ sets: TextSet[]; paragraphs: string[] }> {
  const paragraphs = [...new Set((await rows('documents')).map(d => String(d.text)))];
  const questions = (await rows('questions')).map(q => String(q.question));
  return {
    paragraphs,
    sets: [
      { name: 'ko questions', texts: sample(questions, 2000) },
      { name: 'ko sentences', texts: sample(paragraphs.flatMap(sentences), 5000) },
    ],
  };
}
