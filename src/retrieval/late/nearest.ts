/** The centroid nearest to each of many vectors, by products of matrices; of many centroids by groups of them. */
import { type Multiply, transposed } from '../dense/exact.ts';

/** Centroids below this number are all looked at. */
const FEW = 1024;
/** Groups whose centroids are looked at for a vector. */
const GROUPS = 6;
/** Vectors that go through together. */
const BLOCK = 16384;
/** Numbers of one product, so that it stays in the cache. */
const PRODUCT = 1 << 21;

/** Half the square of each row's length: what a dot product lacks to order rows by their distance. */
function halfSquares(rows: Float32Array, d: number): Float32Array {
  const out = new Float32Array(rows.length / d);
  for (let r = 0; r < out.length; r++) {
    let squares = 0;
    for (let c = r * d; c < (r + 1) * d; c++) squares += rows[c] * rows[c];
    out[r] = squares / 2;
  }
  return out;
}

/** Finds nearest centroids, by Euclid's distance. Ties go to the lower number. */
export class Nearest {
  private readonly centroids: Float32Array;
  private readonly count: number;
  private readonly d: number;
  private readonly multiply: Multiply;
  private flat: Float32Array;
  /** Of the columns of `flat`. */
  private halves: Float32Array;
  private groups: {
    readonly members: Int32Array;
    readonly columns: Float32Array;
    readonly halves: Float32Array;
  }[] = [];
  private groupCount = 0;

  private constructor(centroids: Float32Array, d: number, multiply: Multiply) {
    this.centroids = centroids;
    this.count = centroids.length / d;
    this.d = d;
    this.multiply = multiply;
    this.flat = new Float32Array(0);
    this.halves = new Float32Array(0);
  }

  /** @param centroids count × d */
  static async over(centroids: Float32Array, d: number, multiply: Multiply): Promise<Nearest> {
    const made = new Nearest(centroids, d, multiply);
    if (made.count <= FEW) {
      made.flat = transposed(centroids, made.count, d);
      made.halves = halfSquares(centroids, d);
    } else await made.group();
    return made;
  }

  /** Centroids in about √count groups, by three rounds of k-means over them. */
  private async group(): Promise<void> {
    const { centroids, count, d } = this;
    const size = Math.ceil(Math.sqrt(count));
    const heads = new Float32Array(size * d);
    for (let g = 0; g < size; g++) {
      const at = Math.floor((g * count) / size) * d;
      heads.set(centroids.subarray(at, at + d), g * d);
    }
    let own = new Int32Array(count);
    for (let round = 0; round < 3; round++) {
      own = await this.best(centroids, count, transposed(heads, size, d), halfSquares(heads, d));
      if (round < 2) moveTo(heads, size, centroids, own, d);
    }
    const members = Array.from({ length: size }, () => [] as number[]);
    own.forEach((g, c) => {
      members[g].push(c);
    });
    const kept = members.flatMap((m, g) => (m.length > 0 ? [g] : []));
    this.groupCount = kept.length;
    const head = new Float32Array(kept.length * d);
    this.groups = kept.map((g, i) => {
      head.set(heads.subarray(g * d, (g + 1) * d), i * d);
      const rows = new Float32Array(members[g].length * d);
      members[g].forEach((c, j) => {
        rows.set(centroids.subarray(c * d, (c + 1) * d), j * d);
      });
      return {
        members: Int32Array.from(members[g]),
        columns: transposed(rows, members[g].length, d),
        halves: halfSquares(rows, d),
      };
    });
    this.flat = transposed(head, kept.length, d);
    this.halves = halfSquares(head, d);
  }

  /** Which column of `columns` (d × count) is nearest to each row. */
  private async best(rows: Float32Array, n: number, columns: Float32Array, halves: Float32Array) {
    const { d } = this;
    const count = halves.length;
    const out = new Int32Array(n);
    const step = Math.max(64, Math.floor(PRODUCT / count));
    for (let from = 0; from < n; from += step) {
      const to = Math.min(n, from + step);
      const scores = await this.multiply(rows.subarray(from * d, to * d), to - from, columns, count, d);
      for (let r = 0, at = 0; r < to - from; r++, at += count) {
        let best = 0;
        let most = scores[at] - halves[0];
        for (let c = 1; c < count; c++) {
          const score = scores[at + c] - halves[c];
          if (score > most) [most, best] = [score, c];
        }
        out[from + r] = best;
      }
    }
    return out;
  }

  /** The centroid of each of `n` vectors. With more than 1,024 centroids, now and then the second nearest. */
  async of(vectors: Float32Array, n: number): Promise<Int32Array> {
    if (this.groups.length === 0) return this.best(vectors, n, this.flat, this.halves);
    const out = new Int32Array(n);
    for (let from = 0; from < n; from += BLOCK) {
      const to = Math.min(n, from + BLOCK);
      out.set(await this.block(vectors.subarray(from * this.d, to * this.d), to - from), from);
    }
    return out;
  }

  private async block(vectors: Float32Array, n: number): Promise<Int32Array> {
    const { d, groupCount: count, halves } = this;
    const asked = Math.min(GROUPS, count);
    const lists = Array.from({ length: count }, () => [] as number[]);
    const step = Math.max(64, Math.floor(PRODUCT / count));
    const top = new Int32Array(asked);
    const tops = new Float32Array(asked);
    for (let from = 0; from < n; from += step) {
      const to = Math.min(n, from + step);
      const scores = await this.multiply(vectors.subarray(from * d, to * d), to - from, this.flat, count, d);
      for (let r = from, at = 0; r < to; r++, at += count) {
        let found = 0;
        for (let g = 0; g < count; g++) {
          const score = scores[at + g] - halves[g];
          if (found === asked && score <= tops[found - 1]) continue;
          let place = found < asked ? found++ : found - 1;
          for (; place > 0 && tops[place - 1] < score; place--) {
            top[place] = top[place - 1];
            tops[place] = tops[place - 1];
          }
          top[place] = g;
          tops[place] = score;
        }
        for (let i = 0; i < found; i++) lists[top[i]].push(r);
      }
    }
    const best = new Float32Array(n).fill(Number.NEGATIVE_INFINITY);
    const out = new Int32Array(n);
    for (let g = 0; g < count; g++) {
      const rows = lists[g];
      if (rows.length === 0) continue;
      const { members, columns, halves: own } = this.groups[g];
      const gathered = new Float32Array(rows.length * d);
      for (let i = 0; i < rows.length; i++)
        gathered.set(vectors.subarray(rows[i] * d, (rows[i] + 1) * d), i * d);
      const scores = await this.multiply(gathered, rows.length, columns, members.length, d);
      for (let i = 0, at = 0; i < rows.length; i++) {
        const r = rows[i];
        for (let m = 0; m < members.length; m++, at++) {
          const score = scores[at] - own[m];
          if (score > best[r] || (score === best[r] && members[m] < out[r])) {
            best[r] = score;
            out[r] = members[m];
          }
        }
      }
    }
    return out;
  }
}

/** Moves each centroid to the mean of its vectors; one without vectors stays. */
export function moveTo(
  centroids: Float32Array,
  count: number,
  vectors: Float32Array,
  own: Int32Array,
  d: number,
): void {
  const sums = new Float64Array(count * d);
  const sizes = new Int32Array(count);
  for (let r = 0; r < own.length; r++) {
    sizes[own[r]]++;
    for (let c = 0; c < d; c++) sums[own[r] * d + c] += vectors[r * d + c];
  }
  for (let k = 0; k < count; k++)
    if (sizes[k] > 0) for (let c = k * d; c < (k + 1) * d; c++) centroids[c] = sums[c] / sizes[k];
}
