/** Encoding by one thread, side by side with other programs over the same model and texts. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveModel } from '../../src/models/catalogue.ts';
import { type Encoded, type Encoder, openEncoder } from '../../src/models/encoder.ts';
import { Tokenizer } from '../../src/models/tokenizer.ts';
import { scratchFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import { paragraphs } from '../lib/text.ts';
import { cpuRatio, interleave, median, ratio, type Side, type Timed } from '../lib/timing.ts';
import { BUDGET, folder, MAX_TOKENS, startPeers } from './peers.ts';

const DIMENSION = 384;

/** What a side gave. */
interface Given {
  readonly vectors: Float32Array;
  readonly padding?: number;
}

const paddingOf = (encoded: Encoded): number => encoded.padding / (encoded.padding + encoded.tokens);

/** The lowest and the mean cosine of rows of unit vectors. */
function cosines(a: Float32Array, b: Float32Array): { mean: number; min: number } {
  let sum = 0;
  let min = 1;
  for (let at = 0; at < a.length; at += DIMENSION) {
    let dot = 0;
    for (let c = at; c < at + DIMENSION; c++) dot += a[c] * b[c];
    sum += dot;
    min = Math.min(min, dot);
  }
  return { mean: sum / (a.length / DIMENSION), min };
}

async function tokenizing(texts: string[]): Promise<(string | number)[][]> {
  const { folder: model } = await resolveModel('default');
  const file = join(model, 'tokenizer.json');
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const rows: (string | number)[][] = [];
  for (const reference of [false, true]) {
    const tokenizer = await Tokenizer.open(file, { reference });
    for (const offsets of [false, true]) {
      await tokenizer.encode(texts.slice(0, 200), { offsets });
      const start = performance.now();
      await tokenizer.encode(texts, { offsets });
      const ms = performance.now() - start;
      rows.push([
        `${reference ? 'tokenizers package' : 'own WordPiece'}, ${offsets ? 'ids and offsets' : 'ids'}`,
        bytes / ms / 1000,
      ]);
    }
  }
  return rows;
}

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const { paragraphs: all, from } = await paragraphs();
  const step = Math.max(1, Math.floor(all.length / (quick ? 48 : 128)));
  const texts = all.filter((_, i) => i % step === 0).map(p => p.text);
  const many = (quick ? all.slice(0, 600) : all).map(p => p.text);
  const scratch = await scratchFolder();
  const closing: (() => unknown)[] = [() => scratch.remove()];
  try {
    const textsFile = join(scratch.path, 'texts.json');
    writeFileSync(textsFile, JSON.stringify(texts));
    const given = new Map<string, Given>();
    const sides: Side[] = [];
    const versions: string[] = [];
    const missing: string[] = [];
    const own = async (name: string, encoder: Encoder, of: string[], vectors: boolean): Promise<void> => {
      closing.push(() => encoder.close());
      const first = await encoder.encode(of);
      given.set(name, { vectors: vectors ? first.vectors : new Float32Array(0), padding: paddingOf(first) });
      sides.push({
        name,
        run: async () => {
          await encoder.encode(of);
          return undefined;
        },
      });
    };
    for (const [kind, file] of [
      ['fp32', 'model.onnx'],
      ['int8', 'model_int8.onnx'],
    ]) {
      if (!existsSync(join(folder, 'onnx', file)))
        missing.push(`all-MiniLM-L6-v2, ${kind}: scripts/distill/fetch.sh`);
      else {
        log(`all-MiniLM-L6-v2, ${kind}`);
        const options = { file, batchTokens: BUDGET, maxTokens: MAX_TOKENS };
        await own(`millrace, ${kind}`, await openEncoder(folder, options), texts, true);
      }
    }
    if (sides.length > 0) {
      const started = await startPeers(textsFile, scratch.path, log);
      missing.push(...started.missing);
      for (const { name, peer, version, ...gave } of started.peers) {
        closing.push(() => peer.close());
        versions.push(`${name.replace(/, (fp32|int8)$/, '')} ${version}`);
        given.set(name, gave);
        sides.push({ name, run: () => peer.ask() });
      }
    }
    log('the default encoder');
    const { folder: small } = await resolveModel('default');
    await own('default encoder', await openEncoder(small, { batchTokens: BUDGET }), many, false);

    const timed = await interleave(sides, { repeats: quick ? 3 : 7, log });
    const of = (name: string): Timed | undefined => timed.find(t => t.name === name);
    const count = (name: string): number => (name === 'default encoder' ? many.length : texts.length);
    const speed = (t: Timed): number => (count(t.name) / median(t.cpu)) * 1000;
    const bars: Bar[] = [];
    const byClock: string[] = [];
    const over = (name: string, peer: string, wanted: number): void => {
      const [a, b] = [of(peer), of(name)];
      if (a === undefined || b === undefined) return;
      byClock.push(`${name} over ${peer} ${ratio(a, b).toFixed(2)}`);
      bars.push({
        name: `${name} over ${peer}`,
        value: cpuRatio(a, b),
        bound: 'at least',
        wanted,
        unit: '×',
      });
    };
    over('millrace, fp32', 'Python onnxruntime, fp32', 1);
    over('millrace, int8', 'Python onnxruntime, int8', 1);
    over('millrace, fp32', 'sentence-transformers, fp32', 1.3);
    over('millrace, fp32', 'transformers.js, fp32', 1.2);
    const [fp32, start] = [of('millrace, fp32'), of('default encoder') as Timed];
    const mine = given.get('millrace, fp32');
    const rows = timed.map(t => {
      const { vectors, padding } = given.get(t.name) as Given;
      const near =
        mine && t.name.endsWith('fp32') && vectors !== mine.vectors && cosines(vectors, mine.vectors);
      // transformers.js cuts a long text's closing token off, so those texts get other vectors
      if (near && !t.name.startsWith('transformers.js')) {
        const name = `lowest cosine to ${t.name}`;
        bars.push({ name, value: near.min, bound: 'at least', wanted: 0.9999 });
      }
      return [
        t.name,
        speed(t),
        fp32 ? speed(t) / speed(fp32) : '',
        padding === undefined ? '' : `${(padding * 100).toFixed(1)} %`,
        near ? near.mean.toFixed(6) : '',
        near ? near.min.toFixed(6) : '',
      ];
    });
    if (mine?.padding !== undefined)
      bars.push({
        name: 'padding, fp32',
        value: mine.padding * 100,
        bound: 'at most',
        wanted: 5,
        unit: '%',
      });
    if (fp32)
      bars.push({
        name: 'default encoder over all-MiniLM-L6-v2 fp32',
        value: speed(start) / speed(fp32),
        bound: 'at least',
        wanted: 30,
        unit: '×',
      });
    return {
      tables: [
        {
          title: `${texts.length} paragraphs (the default encoder: ${many.length}), one thread`,
          columns: [
            '',
            'passages/s of processor time',
            'to millrace, fp32',
            'padding',
            'mean cosine to it',
            'lowest',
          ],
          rows,
        },
        { title: 'tokenizing, WordPiece', columns: ['', 'MB/s'], rows: await tokenizing(many) },
      ],
      bars,
      notes: [
        from,
        `texts cut at ${MAX_TOKENS} tokens by all; batches of at most ${BUDGET} padded tokens, sorted by length; sentence-transformers in batches of 32 that it sorts, transformers.js in batches of 32 as they come`,
        'transformers.js cuts the closing [SEP] off a long text, so its vectors of those differ; the others keep it',
        'tokenizing included; sides take turns; ratios are of processor time, so that other work on the machine is not in them',
        `by the clock: ${byClock.join(', ')}`,
        ...(versions.length > 0 ? [[...new Set(versions)].join('; ')] : []),
      ],
      missing,
    };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}
