/** Levels that numbers are rounded to. */

/**
 * The levels with the least squares to values (Lloyd 1982), from two beginnings: quantiles, and levels spread by the
 * deviation, which find the tails where most values are all but 0. The better end is taken.
 */
export function bestLevels(values: Float32Array, count: number): Float32Array {
  const sorted = Float32Array.from(values).sort();
  const n = sorted.length;
  let sum = 0;
  let squares = 0;
  for (const x of sorted) {
    sum += x;
    squares += x * x;
  }
  const mean = n === 0 ? 0 : sum / n;
  const sd = n === 0 ? 0 : Math.sqrt(Math.max(0, squares / n - mean * mean));
  const middle = (count - 1) / 2;
  const ends = [
    settled(
      sorted,
      Float32Array.from(
        { length: count },
        (_, i) => sorted[Math.min(n - 1, Math.floor(((2 * i + 1) / (2 * count)) * n))] ?? 0,
      ),
    ),
    settled(
      sorted,
      Float32Array.from({ length: count }, (_, i) => mean + sd * (i - middle)),
    ),
  ];
  return ends[1].error < ends[0].error ? ends[1].levels : ends[0].levels;
}

function settled(sorted: Float32Array, levels: Float32Array): { levels: Float32Array; error: number } {
  const n = sorted.length;
  const count = levels.length;
  let error = 0;
  for (let round = 0; round < 20; round++) {
    let from = 0;
    error = 0;
    for (let i = 0; i < count; i++) {
      const end = i + 1 < count ? (levels[i] + levels[i + 1]) / 2 : Number.POSITIVE_INFINITY;
      let sum = 0;
      let squares = 0;
      let at = from;
      for (; at < n && sorted[at] < end; at++) {
        sum += sorted[at];
        squares += sorted[at] * sorted[at];
      }
      if (at > from) {
        levels[i] = sum / (at - from);
        error += squares - sum * levels[i];
      }
      from = at;
    }
  }
  return { levels: levels.sort(), error };
}
