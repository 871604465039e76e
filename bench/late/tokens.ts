/** Token vectors of an encoder, kept as halves: glosses of WordNet, and questions to search them with. */
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainingTexts } from '../../scripts/distill/texts.ts';
import { embeddedFolder, openEncoder } from '../../src/models/index.ts';
import { fromHalves, toHalves } from '../../src/retrieval/late/halves.ts';
import { dataFolder, peersFolder } from '../lib/folders.ts';

export interface Tokens {
  readonly dimension: number;
  readonly offsets: Int32Array;
  /** The vectors of rows from `from` up to `to`. */
  rows(from: number, to: number): Float32Array;
}

const BLOCK = 1024;
const minilm = join(peersFolder, 'models', 'all-MiniLM-L6-v2');
const wordnet = join(peersFolder, 'models', 'wn');

export type EncoderName = 'default' | 'all-MiniLM-L6-v2';

/** Undefined where the model or the texts are not there. */
export async function tokensOf(
  name: EncoderName,
  set: 'glosses' | 'questions',
  count: number,
  log: (line: string) => void,
): Promise<Tokens | undefined> {
  if (!existsSync(wordnet) || (name !== 'default' && !existsSync(minilm))) return undefined;
  const folder = join(dataFolder(), 'late');
  mkdirSync(folder, { recursive: true });
  const base = join(folder, `${set}-${count}${name === 'default' ? '-default' : ''}`);
  if (!existsSync(`${base}.json`)) {
    const texts = (await trainingTexts()).find(t => t.name === set)?.texts.slice(0, count) ?? [];
    const encoder = await (name === 'default'
      ? openEncoder(embeddedFolder('default'))
      : openEncoder(minilm, { file: 'onnx/model_int8.onnx' }));
    const side = set === 'glosses' ? 'passage' : 'query';
    const offsets = [0];
    const out = createWriteStream(`${base}.tmp`);
    for (let from = 0; from < texts.length; from += BLOCK) {
      const found = await encoder.encodeTokens(texts.slice(from, from + BLOCK), { side });
      for (let r = 0; r < found.rows; r++)
        offsets.push(offsets[offsets.length - 1] + found.offsets[r + 1] - found.offsets[r]);
      if (!out.write(toHalves(found.vectors))) await once(out, 'drain');
      if (from % (BLOCK * 8) === 0) log(`${set}: ${from} of ${texts.length}`);
    }
    await new Promise<void>(resolve => out.end(() => resolve()));
    renameSync(`${base}.tmp`, `${base}.f16`);
    writeFileSync(`${base}.json`, JSON.stringify({ dimension: encoder.dimension, offsets }));
    await encoder.close();
  }
  const { dimension, offsets } = JSON.parse(readFileSync(`${base}.json`, 'utf8')) as {
    dimension: number;
    offsets: number[];
  };
  const bytes = readFileSync(`${base}.f16`);
  return {
    dimension,
    offsets: Int32Array.from(offsets),
    rows: (from, to) =>
      fromHalves(bytes.subarray(offsets[from] * dimension * 2, offsets[to] * dimension * 2)),
  };
}
