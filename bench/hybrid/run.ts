/** Hybrid retrieval: method and weights are chosen on dev questions, the better part and the hybrid compared on others. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mergeHits } from '../../operators/merge/hits.ts';
import { e5Folder, koreanFolder, modelFolder, teacherFolder } from '../../scripts/distill/sources.ts';
import { teacherVectors } from '../../scripts/distill/teacher.ts';
import { bootstrapInterval, randomisationTest } from '../../src/metrics/index.ts';
import { type Encoder, fusionWeightOf, openEncoder } from '../../src/models/index.ts';
import { type FusionOptions, fuse, type HitList } from '../../src/retrieval/fusion/index.ts';
import { scratchFolder } from '../lib/folders.ts';
import type { Bar, BenchOptions, BenchReport } from '../lib/report.ts';
import { type Corpus, corpora, type Question } from './corpora.ts';
import { byVectors, byWords } from './lists.ts';

/** What merge.hits does where nothing is said: its method, and the weight that the encoder's own files say. */
const usual = (folder: string): FusionOptions => ({
  method: mergeHits.params.parse({}).method as 'expz',
  weights: [1, fusionWeightOf(folder)],
});

/** What else one might take untuned. */
const UNTUNED: FusionOptions[] = [
  { method: 'expz', weights: [1, 1] },
  { method: 'expz', weights: [1, 0.3] },
  { method: 'minmax', weights: [1, 0.3] },
  { method: 'minmax', weights: [1, 0.2] },
  { method: 'zscore', weights: [1, 0.2] },
  { method: 'zscore', weights: [1, 0.1] },
  { method: 'rrf', weights: [1, 0.2] },
  { method: 'rrf', weights: [1, 1] },
];
const WEIGHTS = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3];
const CHOICES: FusionOptions[] = (['expz', 'rrf', 'minmax', 'zscore', 'weighted'] as const).flatMap(method =>
  (method === 'weighted' ? [...WEIGHTS, 10, 20, 40, 80] : WEIGHTS).map(w => ({ method, weights: [1, w] })),
);

/** The measure of each question. */
function values(
  lists: readonly { keys: readonly string[] }[],
  asked: readonly Question[],
  measure: Corpus['measure'],
) {
  return Float64Array.from(asked, ({ gold }, i) => {
    const { keys } = lists[i];
    if (measure === 'gold@1') return keys.length > 0 && gold.has(keys[0]) ? 1 : 0;
    let [sum, ideal] = [0, 0];
    for (let r = 0; r < 10; r++) {
      if (r < keys.length && gold.has(keys[r])) sum += 1 / Math.log2(r + 2);
      if (r < gold.size) ideal += 1 / Math.log2(r + 2);
    }
    return sum / ideal;
  });
}

const mean = (v: Float64Array): number => v.reduce((a, b) => a + b, 0) / v.length;

const fused = (a: readonly HitList[], b: readonly HitList[], options: FusionOptions) =>
  a.map((list, i) => fuse([list, b[i]], options));

const bestOn = (
  a: readonly HitList[],
  b: readonly HitList[],
  asked: readonly Question[],
  measure: Corpus['measure'],
): FusionOptions =>
  CHOICES.map(options => ({ options, value: mean(values(fused(a, b, options), asked, measure)) })).sort(
    (x, y) => y.value - x.value,
  )[0].options;

const shown = ({ method, weights }: FusionOptions): string =>
  weights ? `${method} 1 : ${weights[1]}` : String(method);

async function encoders(corpus: Corpus): Promise<{ name: string; folder: string; large: boolean }[]> {
  const all = corpus.english
    ? [
        { name: 'default', folder: modelFolder, large: false },
        { name: 'all-MiniLM-L6-v2', folder: teacherFolder, large: true },
      ]
    : [
        { name: 'korean', folder: koreanFolder, large: false },
        { name: 'multilingual-e5-small', folder: e5Folder, large: true },
      ];
  return all.filter(e => existsSync(e.folder));
}

export async function run({ quick, log }: BenchOptions): Promise<BenchReport> {
  const { found, missing } = await corpora();
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  const scratch = await scratchFolder();
  let ahead = new Set<string>();
  try {
    for (const [c, corpus] of found.entries()) {
      const { measure, dev, test } = corpus;
      const words = await byWords(corpus, join(scratch.path, String(c)));
      const [sparseDev, sparseTest] = [words.search(dev), words.search(test)];
      words.close();
      for (const { name, folder, large } of await encoders(corpus)) {
        if (quick && large) continue;
        log(`${corpus.name}: ${name}`);
        const encoder = await openEncoder(folder, {
          ...(large && { file: 'model.onnx' }),
          batchTokens: 2048,
        });
        const passages = large ? await kept(encoder, corpus) : (await encoder.encode(corpus.texts)).vectors;
        if (passages === undefined) {
          missing.push(`${corpus.name}, ${name}: encoding takes longer; run again to go on`);
          await encoder.close();
          continue;
        }
        const [denseDev, denseTest] = [
          await byVectors(corpus, passages, encoder, dev),
          await byVectors(corpus, passages, encoder, test),
        ];
        await encoder.close();
        const onDev = bestOn(sparseDev, denseDev, dev, measure);
        const halves = [{ words: sparseTest, vectors: denseTest, asked: test, chosen: onDev }];
        if (corpus.crossed)
          halves.push({
            words: sparseDev,
            vectors: denseDev,
            asked: dev,
            chosen: bestOn(sparseTest, denseTest, test, measure),
          });
        const of = (lists: (half: (typeof halves)[0]) => readonly { keys: readonly string[] }[]) =>
          Float64Array.from(halves.flatMap(half => [...values(lists(half), half.asked, measure)]));
        const by = (options: FusionOptions) => of(half => fused(half.words, half.vectors, options));
        const [sparse, dense] = [of(half => half.words), of(half => half.vectors)];
        const better = mean(dense) > mean(sparse) ? dense : sparse;
        const hybrid = of(half => fused(half.words, half.vectors, half.chosen));
        const byDefault = by(usual(folder));
        const untuned = UNTUNED.map(o => mean(by(o)));
        const difference = hybrid.map((v, i) => v - better[i]);
        const { low, high } = bootstrapInterval(difference);
        const p = randomisationTest(better, hybrid);
        if (mean(hybrid) > mean(better) && p < 0.05) ahead = ahead.add(corpus.name);
        rows.push([
          `${corpus.name} (${measure}), ${name}`,
          sparse.length,
          ...[sparse, dense, hybrid].map(v => mean(v).toFixed(4)),
          `${(100 * mean(difference)).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`,
          p.toFixed(4),
          halves.map(half => shown(half.chosen)).join(', '),
          shown(usual(folder)),
          mean(byDefault).toFixed(4),
          (100 * (mean(byDefault) - mean(better))).toFixed(1),
          ...untuned.map(v => v.toFixed(4)),
        ]);
        bars.push({
          name: `${corpus.name}, ${name}: default settings less the better part, points`,
          value: 100 * (mean(byDefault) - mean(better)),
          bound: 'at least',
          wanted: -1,
        });
      }
    }
  } finally {
    await scratch.remove();
  }
  bars.unshift({
    name: 'corpora on which hybrid beats the better part (p < .05)',
    value: ahead.size,
    bound: 'at least',
    wanted: 2,
  });
  return {
    tables: [
      {
        title: 'words (lucene), vectors, and both; method and weights chosen on dev questions',
        columns: [
          '',
          'questions',
          'sparse',
          'dense',
          'hybrid',
          'points over the better',
          'p',
          'chosen',
          'default settings',
          'their value',
          'over the better',
          ...UNTUNED.map(shown),
        ],
        rows,
      },
    ],
    bars,
    notes: [
      'p: paired randomisation test; points with a 95 % bootstrap interval; default settings are those of merge.hits: its method, and the weight of vectors that the files of the encoder say; untuned methods behind',
      'dev questions: new_wiki dev articles, SciFact train claims, each half of the Factbook dev questions for the other, a third of the KorQuAD articles',
    ],
    missing,
  };
}

/** Vectors of a large encoder, kept from run to run. */
const kept = (encoder: Encoder, corpus: Corpus): Promise<Float32Array | undefined> =>
  teacherVectors(encoder, { name: 'passages', texts: corpus.texts }, Date.now() + 300_000);
