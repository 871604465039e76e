import { luceneIdf, pivotedLength, range, type SimilarityDefinition } from './types.ts';

/** What a term's information gains say of its saturation. */
export interface Adapted {
  /** k1'(t). */
  k: number;
  /** G₁, the idf; the Lucene idf where the gains say nothing. */
  idf: number;
  /** The gains G_r from r = 0 on, as far as they were kept. */
  gains: number[];
  /** Σ (G_r/G₁ - (k+1)r/(k+r))² at k; 0 where the gains say nothing. */
  loss: number;
}

const FALLBACK_K = 1.2;

/**
 * The k that fits a term's information gains (Lv & Zhai 2011, "Adaptive term frequency normalization
 * for BM25"): G_r = log2((df_{r+1}+.5)/(df_r+1)) - log2((n+.5)/(N+1)), kept while df_r > 0 and G_r does
 * not fall. `frequencies[r]` = df_r = |{d: ⌊c+.5⌋ ≥ r}| for r ≥ 2, df₀ = N, df₁ = n; past its end 0.
 */
export function adaptSaturation(frequencies: readonly number[]): Adapted {
  const [documents, n] = frequencies;
  const base = Math.log2((n + 0.5) / (documents + 1));
  const gains: number[] = [0];
  for (let r = 1; (frequencies[r] ?? 0) > 0; r++) {
    const gain = Math.log2(((frequencies[r + 1] ?? 0) + 0.5) / (frequencies[r] + 1)) - base;
    if (gain < gains[r - 1]) break;
    gains.push(gain);
  }
  if (gains.length < 3 || gains[1] <= 0) {
    return { k: FALLBACK_K, idf: luceneIdf(documents, n), gains, loss: 0 };
  }
  const loss = (k: number): number => {
    let sum = 0;
    for (let r = 0; r < gains.length; r++) sum += (gains[r] / gains[1] - ((k + 1) * r) / (k + r)) ** 2;
    return sum;
  };
  const k = minimise(loss, 1e-3, 10);
  return { k, idf: gains[1], gains, loss: loss(k) };
}

/** The lowest point of f on [low, high]: a grid to find the valley, golden section inside it. */
function minimise(f: (x: number) => number, low: number, high: number): number {
  const steps = 400;
  const at = (i: number) => low * (high / low) ** (i / steps);
  let best = 0;
  for (let i = 1; i <= steps; i++) if (f(at(i)) < f(at(best))) best = i;
  let left = at(Math.max(0, best - 1));
  let right = at(Math.min(steps, best + 1));
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 100 && right - left > 1e-12; i++) {
    const a = right - ratio * (right - left);
    const b = left + ratio * (right - left);
    if (f(a) <= f(b)) right = b;
    else left = a;
  }
  return (left + right) / 2;
}

/** BM25-adpt: a k1 of its own for each term and the information gain of one occurrence as its idf. */
export const bm25Adpt: SimilarityDefinition = {
  name: 'bm25-adpt',
  summary: 'BM25-adpt: G₁ · (k+1)c/(k+c), c = f/u, k fitted to the term’s information gains',
  defaults: { b: 0.3 },
  check: { b: range(0, 1) },
  prepare(parameters, collection) {
    const pivot = pivotedLength(parameters.b as number, collection);
    return {
      prunable: true,
      pivot,
      term: statistics => {
        const histogram: number[] = [];
        statistics.forEachPosting((tf, length) => {
          const r = Math.floor(tf / pivot(length) + 0.5);
          while (histogram.length <= r) histogram.push(0);
          histogram[r]++;
        });
        const frequencies = [collection.documents, statistics.documents];
        let above = 0;
        for (let r = histogram.length - 1; r >= 2; r--) {
          above += histogram[r];
          frequencies[r] = above;
        }
        const { k, idf } = adaptSaturation(frequencies);
        return { weight: idf * (k + 1), k, add: 0, idf };
      },
    };
  },
};
