/** Lists of hits of one question become one: by scores brought to one scale, or by ranks. */
export type FusionMethod = 'expz' | 'rrf' | 'minmax' | 'zscore' | 'weighted';

/** One retriever's hits of a question, best first; keys are distinct. */
export interface HitList {
  readonly keys: readonly string[];
  readonly scores: ArrayLike<number>;
}

export interface FusionOptions {
  readonly method: FusionMethod;
  /** Hits of each list that count; the rest is as if it were not there. */
  readonly depth?: number;
  /** One factor a list; default 1 each. */
  readonly weights?: readonly number[];
  /** What is added to ranks from 1 in rrf. Default 60 (Cormack, Clarke & Buettcher 2009). */
  readonly c?: number;
}

/** How steeply expz counts a standard score. */
const STEEP = 0.3;
/** Standard scores in expz are by the mean and deviation of the best hundred: deeper lists give the same ones. */
const STANDARD = 100;
/** Shorter lists count as filled up in expz: one hit has no deviation. */
const SHORT = 10;

export interface Fused {
  /** Best first, ties by key in code point order. */
  readonly keys: string[];
  readonly scores: Float64Array;
  /** For each key the place in each list, from 0; -1 where the list does not have it. */
  readonly ranks: Int32Array[];
}

/** Code point order, which is the byte order of UTF-8: what indexes break ties by. */
export function compareKeys(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // surrogates stand for code points above all others
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

interface Parts {
  /** What each hit of a list adds. */
  readonly own: Float64Array;
  /** What a key adds that the list lacks. */
  readonly missing: number;
}

function exponential(list: HitList, n: number, longest: number): Parts {
  let [sum, squares, lowest] = [0, 0, Number.POSITIVE_INFINITY];
  const known = Math.min(n, STANDARD);
  for (let i = 0; i < n; i++) {
    if (i < known) sum += list.scores[i];
    lowest = Math.min(lowest, list.scores[i]);
  }
  const filled = Math.max(0, Math.min(SHORT, longest) - n);
  const floor = filled > 0 ? Math.min(0, lowest) : lowest;
  const mean = (sum + filled * floor) / (known + filled);
  let flat = filled === 0 || floor === lowest;
  for (let i = 0; i < known; i++) {
    squares += (list.scores[i] - mean) ** 2;
    if (list.scores[i] !== list.scores[0]) flat = false;
  }
  const sd = Math.sqrt((squares + filled * (floor - mean) ** 2) / (known + filled));
  // equal scores say only what the list has
  if (flat || sd === 0) return { own: new Float64Array(n).fill(1), missing: Math.exp(-STEEP) };
  const of = (score: number): number => Math.exp((STEEP * (score - mean)) / sd);
  return { own: Float64Array.from({ length: n }, (_, i) => of(list.scores[i])), missing: of(floor) };
}

function parts(list: HitList, n: number, longest: number, options: FusionOptions): Parts {
  const own = new Float64Array(n);
  if (n === 0) return { own, missing: 0 };
  const { method, c = 60 } = options;
  if (method === 'expz') return exponential(list, n, longest);
  if (method === 'rrf') {
    for (let i = 0; i < n; i++) own[i] = 1 / (c + i + 1);
    return { own, missing: 0 };
  }
  let [min, max, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < n; i++) {
    min = Math.min(min, list.scores[i]);
    max = Math.max(max, list.scores[i]);
    sum += list.scores[i];
  }
  if (method === 'weighted') {
    for (let i = 0; i < n; i++) own[i] = list.scores[i];
    return { own, missing: min };
  }
  if (method === 'minmax') {
    for (let i = 0; i < n; i++) own[i] = max === min ? 1 : (list.scores[i] - min) / (max - min);
    return { own, missing: 0 };
  }
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (list.scores[i] - mean) ** 2;
  const sd = Math.sqrt(squares / n);
  // equal scores can differ from their mean by a rounding
  const flat = max === min || sd === 0;
  for (let i = 0; i < n; i++) own[i] = flat ? 0 : (list.scores[i] - mean) / sd;
  return { own, missing: flat ? 0 : (min - mean) / sd };
}

/**
 * Fuses the lists of one question.
 *
 * - `expz`: Σ weight · exp(.3 z), z being a score less the mean of the list's best hundred, by their standard deviation;
 *   a key that a list lacks has the z of its lowest. Standard scores are those of Montague & Aslam (2001); the exponential
 *   makes a list count for as much as its best hits stand out in it, which is what predictors of a query's success look
 *   at (Shtok et al. 2012, NQC). Lists of fewer than ten hits, where another has more, count as filled up to ten by scores
 *   of 0, or by their lowest where it is below; of equal scores a hit adds 1 and a key that the list lacks exp(-.3).
 * - `rrf`: Σ weight / (c + rank), rank from 1.
 * - `minmax`: scores of a list are brought to 0…1 (all equal: 1), a key that it lacks has 0.
 * - `zscore`: scores less their mean, by their standard deviation (0: all 0); a key that a list lacks has its lowest.
 * - `weighted`: scores as they are; a key that a list lacks has its lowest (Pyserini's hybrid).
 *
 * A list without hits adds nothing. @throws RangeError where weights are not one finite number a list
 */
export function fuse(lists: readonly HitList[], options: FusionOptions): Fused {
  const { weights = lists.map(() => 1), depth = Number.POSITIVE_INFINITY } = options;
  if (weights.length !== lists.length || !weights.every(Number.isFinite))
    throw new RangeError(`weights: ${weights.join(', ')}; wanted ${lists.length} numbers, one a list`);
  const places = new Map<string, number>();
  const keys: string[] = [];
  const sizes = lists.map(list => Math.min(depth, list.keys.length));
  const longest = Math.max(0, ...sizes);
  lists.forEach((list, l) => {
    for (let i = 0; i < sizes[l]; i++) {
      const key = list.keys[i];
      if (places.has(key)) continue;
      places.set(key, keys.length);
      keys.push(key);
    }
  });
  const scores = new Float64Array(keys.length);
  const ranks = lists.map(() => new Int32Array(keys.length).fill(-1));
  lists.forEach((list, l) => {
    const { own, missing } = parts(list, sizes[l], longest, options);
    for (let i = 0; i < sizes[l]; i++) {
      const at = places.get(list.keys[i]) as number;
      if (ranks[l][at] < 0) ranks[l][at] = i;
    }
    for (let at = 0; at < keys.length; at++)
      scores[at] += weights[l] * (ranks[l][at] < 0 ? missing : own[ranks[l][at]]);
  });
  const order = Array.from(keys, (_, i) => i).sort(
    (a, b) => scores[b] - scores[a] || compareKeys(keys[a], keys[b]),
  );
  return {
    keys: order.map(i => keys[i]),
    scores: Float64Array.from(order, i => scores[i]),
    ranks: ranks.map(list => Int32Array.from(order, i => list[i])),
  };
}
