/**
 * JSONL corpora of any size from real text: the paragraphs of the English datasets, varied word by word with a fixed
 * seed, so that documents differ and word frequencies stay natural.
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findDataset } from '../../datasets/index.ts';
import { seededRandom } from '../../src/metrics/random.ts';
import { dataFolder } from './folders.ts';

export interface Paragraph {
  readonly title: string;
  readonly text: string;
}

/** Real English paragraphs: Wikipedia where the shared data is there, else the World Factbook. */
export async function paragraphs(): Promise<{ paragraphs: Paragraph[]; from: string }> {
  const wikipedia = ['new-wiki', 'squad2-dev'];
  const there = await Promise.all(
    wikipedia.map(async n => (await findDataset(n).available({})) === undefined),
  );
  const names = there.every(Boolean) ? wikipedia : ['factbook'];
  const found: Paragraph[] = [];
  for (const name of names) {
    for await (const row of findDataset(name).takes.documents.rows({}))
      found.push({ title: String(row.title), text: String(row.text) });
  }
  return { paragraphs: found, from: `${found.length} paragraphs of ${names.join(' and ')}` };
}

/** One word in eight is another word of the corpus, drawn by its frequency. */
const CHANGED = 8;

/** The pool that documents are put together from: each paragraph in `variants` versions, the first as it stands. */
export function varied(source: readonly Paragraph[], variants: number, seed = 1): Paragraph[] {
  const random = seededRandom(seed);
  const words = source.flatMap(p => p.text.split(' '));
  const pool: Paragraph[] = [];
  for (let v = 0; v < variants; v++) {
    for (const { title, text } of source) {
      if (v === 0) pool.push({ title, text });
      else {
        const changed = text
          .split(' ')
          .map(w => (random() % CHANGED === 0 ? words[random() % words.length] : w));
        pool.push({ title, text: changed.join(' ') });
      }
    }
  }
  return pool;
}

export interface CorpusFile {
  readonly path: string;
  readonly bytes: number;
  readonly documents: number;
}

const VARIANTS = 8;
const BLOCK = 4 << 20;

/**
 * Writes documents of 4 to 12 paragraphs as JSONL (doc_id, title, text) until the file has so many bytes, or finds
 * the file made before. Streamed: holds a few megabytes besides the paragraphs.
 */
export async function corpusFile(
  source: readonly Paragraph[],
  bytes: number,
  log: (message: string) => void,
): Promise<CorpusFile> {
  const path = join(dataFolder(), `documents-${Math.round(bytes / 1e6)}mb-${source.length}.jsonl`);
  const before = await stat(path).catch(() => undefined);
  if (before) return { path, bytes: before.size, documents: Number.NaN };
  log(`writing ${path}`);
  const pool = varied(source, VARIANTS).map(p => ({
    title: Buffer.from(JSON.stringify(p.title)),
    text: Buffer.from(JSON.stringify(p.text).slice(1, -1)),
  }));
  const random = seededRandom(bytes);
  const out = createWriteStream(`${path}.part`, { highWaterMark: BLOCK });
  let block = Buffer.allocUnsafe(BLOCK);
  let used = 0;
  let written = 0;
  let documents = 0;
  const put = (part: Buffer): void => {
    used += part.copy(block, used);
  };
  while (written + used < bytes) {
    const parts = Array.from({ length: 4 + (random() % 9) }, () => pool[random() % pool.length]);
    const size = parts.reduce((sum, p) => sum + p.text.length + 4, 100 + parts[0].title.length);
    if (used + size > BLOCK) {
      written += used;
      if (!out.write(block.subarray(0, used))) await once(out, 'drain');
      block = Buffer.allocUnsafe(BLOCK);
      used = 0;
    }
    used += block.write(`{"doc_id":"d${String(documents++).padStart(9, '0')}","title":`, used);
    put(parts[0].title);
    used += block.write(',"text":"', used);
    parts.forEach((part, i) => {
      if (i > 0) used += block.write('\\n\\n', used);
      put(part.text);
    });
    used += block.write('"}\n', used);
  }
  written += used;
  out.end(block.subarray(0, used));
  await once(out, 'close');
  await rename(`${path}.part`, path);
  return { path, bytes: written, documents };
}
