/** Encoding speed against Python's onnxruntime and transformers.js, padding, and how near the vectors are. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { resolveModel } from '../../src/models/catalogue.ts';
import { openEncoder } from '../../src/models/encoder.ts';
import { Tokenizer } from '../../src/models/tokenizer.ts';
import { peersFolder, scratchFolder } from '../lib/folders.ts';
import type { Bench, BenchReport } from '../lib/report.ts';
import { paragraphs } from '../lib/text.ts';
import { median } from '../lib/timing.ts';

const run = promisify(execFile);
const BUDGET = 4096;
const models = join(peersFolder, 'models');
const folder = join(models, 'all-MiniLM-L6-v2');
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Side {
  readonly name: string;
  readonly seconds: number[];
  readonly vectors: Float32Array;
  readonly padding?: number;
}

async function own(
  name: string,
  model: string,
  file: string | undefined,
  texts: string[],
  repeats: number,
): Promise<Side> {
  const encoder = await openEncoder(model, { file, batchTokens: BUDGET });
  const seconds: number[] = [];
  let result = await encoder.encode(texts);
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    result = await encoder.encode(texts);
    seconds.push((performance.now() - start) / 1000);
  }
  await encoder.close();
  return {
    name,
    seconds,
    vectors: result.vectors,
    padding: result.padding / (result.padding + result.tokens),
  };
}

const floatsOf = (path: string): Float32Array => {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

/** The lowest and the mean cosine of rows of unit vectors. */
function cosines(a: Float32Array, b: Float32Array, d: number): { mean: number; min: number } {
  let [sum, min] = [0, 1];
  for (let at = 0; at < a.length; at += d) {
    let dot = 0;
    for (let c = at; c < at + d; c++) dot += a[c] * b[c];
    sum += dot;
    min = Math.min(min, dot);
  }
  return { mean: sum / (a.length / d), min };
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

export const bench: Bench = {
  name: 'models',
  summary: 'encoding text with one thread, against Python onnxruntime and transformers.js.',
  async run({ quick, log }): Promise<BenchReport> {
    const { paragraphs: all, from } = await paragraphs();
    const step = Math.max(1, Math.floor(all.length / (quick ? 48 : 128)));
    const texts = all.filter((_, i) => i % step === 0).map(p => p.text);
    const repeats = quick ? 1 : 3;
    const missing: string[] = [
      'sentence-transformers on torch: the torch wheels of the registry are CUDA builds of several gigabytes; install a CPU build by hand to compare',
    ];
    const scratch = await scratchFolder();
    const textsFile = join(scratch.path, 'texts.json');
    writeFileSync(textsFile, JSON.stringify(texts));
    const sides: Side[] = [];
    const bars: BenchReport['bars'][number][] = [];
    let many = all.map(p => p.text);
    try {
      if (existsSync(join(folder, 'onnx', 'model.onnx'))) {
        log('all-MiniLM-L6-v2, fp32 and int8');
        sides.push(await own('millrace, fp32', folder, 'model.onnx', texts, repeats));
        if (existsSync(join(folder, 'onnx', 'model_int8.onnx')))
          sides.push(await own('millrace, int8', folder, 'model_int8.onnx', texts, repeats));
        const python = join(models, 'py', 'bin', 'python');
        for (const [kind, file] of existsSync(python)
          ? [
              ['fp32', 'model.onnx'],
              ['int8', 'model_int8.onnx'],
            ]
          : []) {
          log(`Python onnxruntime, ${kind}`);
          const out = join(scratch.path, `${kind}.f32`);
          const args = [
            join(folder, 'onnx', file),
            join(folder, 'tokenizer.json'),
            textsFile,
            out,
            BUDGET,
            repeats,
            256,
          ];
          const { stdout } = await run(python, [here('peer_onnxruntime.py'), ...args.map(String)]);
          const told = JSON.parse(stdout) as { seconds: number[]; tokens: number; padding: number };
          sides.push({
            name: `Python onnxruntime, ${kind}`,
            seconds: told.seconds,
            vectors: floatsOf(out),
            padding: told.padding / (told.padding + told.tokens),
          });
        }
        if (!existsSync(python)) missing.push('Python onnxruntime: bench/models/install-peers.sh');
        const js = join(models, 'js');
        if (existsSync(join(js, 'node_modules', '@huggingface', 'transformers'))) {
          log('transformers.js, fp32');
          const out = join(scratch.path, 'js.f32');
          const { stdout } = await run(process.execPath, [
            here('peer_transformers_js.mjs'),
            js,
            folder,
            textsFile,
            out,
            String(repeats),
          ]);
          sides.push({
            name: 'transformers.js, fp32',
            seconds: (JSON.parse(stdout) as { seconds: number[] }).seconds,
            vectors: floatsOf(out),
          });
        } else missing.push('transformers.js: bench/models/install-peers.sh');
      } else missing.push('all-MiniLM-L6-v2: scripts/distill/fetch.sh');
      if (quick) many = many.slice(0, 600);
      log('the default encoder');
      const { folder: small } = await resolveModel('default');
      const start = await own('default encoder', small, undefined, many, repeats);
      const speed = many.length / median(start.seconds);
      const of = (name: string): Side | undefined => sides.find(side => side.name === name);
      const rate = (side: Side): number => texts.length / median(side.seconds);
      const rows = sides.map(side => {
        const reference = of(
          side.name.includes('int8') ? 'Python onnxruntime, int8' : 'Python onnxruntime, fp32',
        );
        const near =
          reference && reference !== side ? cosines(side.vectors, reference.vectors, 384) : undefined;
        return [
          side.name,
          rate(side),
          reference ? rate(side) / rate(reference) : '',
          side.padding === undefined ? '' : `${(side.padding * 100).toFixed(1)} %`,
          near ? near.mean.toFixed(6) : '',
          near ? near.min.toFixed(6) : '',
        ];
      });
      const fp32 = of('millrace, fp32');
      rows.push(['default encoder', speed, '', `${((start.padding ?? 0) * 100).toFixed(1)} %`, '', '']);
      const python = of('Python onnxruntime, fp32');
      if (fp32 && python) {
        bars.push({
          name: 'passages/s over Python onnxruntime, fp32',
          value: rate(fp32) / rate(python),
          bound: 'at least',
          wanted: 0.95,
          unit: '×',
        });
        bars.push({
          name: 'lowest cosine to Python onnxruntime, fp32',
          value: cosines(fp32.vectors, python.vectors, 384).min,
          bound: 'at least',
          wanted: 0.9999,
        });
      }
      if (fp32)
        bars.push({
          name: 'default encoder over all-MiniLM-L6-v2 fp32',
          value: speed / rate(fp32),
          bound: 'at least',
          wanted: 30,
          unit: '×',
        });
      return {
        tables: [
          {
            title: `${texts.length} paragraphs (the default encoder: ${many.length}), one thread`,
            columns: ['', 'passages/s', 'to Python', 'padding', 'mean cosine', 'lowest'],
            rows,
          },
          { title: 'tokenizing, WordPiece', columns: ['', 'MB/s'], rows: await tokenizing(many) },
        ],
        bars,
        notes: [
          from,
          `batches of at most ${BUDGET} padded tokens, sorted by length; transformers.js in batches of 32 as they come; tokenizing included; medians of ${repeats}`,
        ],
        missing,
      };
    } finally {
      await scratch.remove();
    }
  },
};
