/** English texts that the student learns from, and none that it is measured on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDataset } from '../../datasets/index.ts';
import { sha256, wordnetFolder } from './sources.ts';

async function rows(name: string, take: string, split?: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const row of findDataset(name).takes[take].rows({ split })) found.push(row);
  return found;
}

/** Paragraphs and questions of the train articles of a SQuAD-format dataset. */
async function trainArticles(name: string): Promise<{ paragraphs: string[]; questions: string[] }> {
  const questions = await rows(name, 'questions', 'train');
  const wanted = new Set(questions.flatMap(q => q.doc_ids as string[]));
  const titles = new Set(questions.map(q => q.title as string));
  const documents = (await rows(name, 'documents')).filter(
    d => wanted.has(d.doc_id as string) || titles.has(d.title as string),
  );
  return {
    paragraphs: documents.map(d => String(d.text)),
    questions: questions.map(q => String(q.question)),
  };
}

/** Glosses of WordNet with the words they explain: "dwarf: a plant or animal that is atypically small". */
function glosses(part: string): string[] {
  const found: string[] = [];
  for (const line of readFileSync(join(wordnetFolder, `data.${part}`), 'utf8').split('\n')) {
    if (line.startsWith(' ') || line === '') continue;
    const [head, gloss] = line.split(' | ');
    const fields = head.split(' ');
    const count = Number.parseInt(fields[3], 16);
    const words = Array.from({ length: count }, (_, i) =>
      fields[4 + 2 * i].replace(/_/g, ' ').replace(/\([a-z]+\)$/, ''),
    );
    found.push(`${words.join(', ')}: ${gloss.trim()}`);
  }
  return found;
}

const sentences = (text: string): string[] =>
  [...new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text)]
    .map(s => s.segment.trim())
    .filter(s => s.length >= 30);

/** A share of the texts, the same every time: those whose hashes are lowest, from one place of that order to another. */
function sample(texts: readonly string[], to: number, from = 0): string[] {
  const keyed = texts.map(text => [sha256(text), text] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return keyed.slice(from, to).map(([, text]) => text);
}

export interface TextSet {
  readonly name: string;
  readonly texts: readonly string[];
}

/** Sets of texts to encode with the teacher, in the order they are worth the time. */
export async function trainingTexts(): Promise<TextSet[]> {
  const wiki = await trainArticles('new-wiki');
  const squad = await trainArticles('squad2-dev');
  const factbook = (await rows('factbook', 'documents')).map(d => `${d.title}. ${d.text}`);
  const paragraphs = [...wiki.paragraphs, ...squad.paragraphs];
  const dictionary = ['noun', 'verb', 'adj', 'adv'].flatMap(glosses);
  const nq = (await rows('nq-open', 'questions', 'dev')).map(q => String(q.question));
  return [
    { name: 'paragraphs', texts: paragraphs },
    { name: 'questions', texts: sample([...wiki.questions, ...squad.questions, ...nq], 6000) },
    { name: 'glosses', texts: sample(dictionary, 120_000) },
    { name: 'sentences', texts: paragraphs.flatMap(sentences) },
    { name: 'factbook', texts: sample(factbook, 256).map(t => t.slice(0, 800)) },
  ];
}
