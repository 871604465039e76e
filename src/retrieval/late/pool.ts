/** Token pooling: a passage's most alike token vectors are joined, so an index holds fewer (Clavié et al. 2024, arXiv 2409.14683). */

/** Tokens that are clustered at once, at most: their distances take 2 MiB. */
const LONG = 512;

/** Ragged token vectors: those of row r are from `offsets[r]` to `offsets[r + 1]`. */
export interface TokenRowsOfVectors {
  readonly dimension: number;
  readonly offsets: Int32Array;
  /** tokens × dimension. */
  readonly vectors: Float32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/**
 * Ward's clustering of `n` vectors by nearest-neighbour chains (Murtagh 1983): the cluster of each vector, numbered by
 * their first members, once `clusters` are left. Ties go to the lower numbers, so the result is the same every time.
 */
export function wardClusters(vectors: Float32Array, n: number, d: number, clusters: number): Int32Array {
  const distance = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += (vectors[i * d + c] - vectors[j * d + c]) ** 2;
      distance[i * n + j] = sum;
      distance[j * n + i] = sum;
    }
  const size = new Float64Array(n).fill(1);
  const alive = new Uint8Array(n).fill(1);
  const merges: { a: number; b: number; height: number }[] = [];
  const chain: number[] = [];
  while (merges.length < n - 1) {
    if (chain.length === 0) chain.push(alive.indexOf(1));
    const at = chain[chain.length - 1];
    const before = chain[chain.length - 2];
    // the one before it in the chain wins ties, or the chain would not end
    let nearest = before ?? -1;
    for (let j = 0; j < n; j++) {
      if (alive[j] === 0 || j === at) continue;
      if (nearest < 0 || distance[at * n + j] < distance[at * n + nearest]) nearest = j;
    }
    if (nearest !== before) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const [a, b] = at < nearest ? [at, nearest] : [nearest, at];
    const height = distance[a * n + b];
    merges.push({ a, b, height });
    for (let k = 0; k < n; k++) {
      if (alive[k] === 0 || k === a || k === b) continue;
      // Lance–Williams for Ward: distances between clusters as Ward's criterion has them, squared
      const joined =
        ((size[a] + size[k]) * distance[a * n + k] +
          (size[b] + size[k]) * distance[b * n + k] -
          size[k] * height) /
        (size[a] + size[b] + size[k]);
      distance[a * n + k] = joined;
      distance[k * n + a] = joined;
    }
    size[a] += size[b];
    alive[b] = 0;
  }
  // a cluster's number is its lowest member, so merges can be replayed by height
  merges.sort((x, y) => x.height - y.height);
  const root = Int32Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    let r = i;
    while (root[r] !== r) r = root[r];
    return r;
  };
  for (const { a, b } of merges.slice(0, Math.max(0, n - clusters))) {
    const [x, y] = [find(a), find(b)];
    root[Math.max(x, y)] = Math.min(x, y);
  }
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: n }, (_, i) => {
    const r = find(i);
    if (!numbers.has(r)) numbers.set(r, numbers.size);
    return numbers.get(r) as number;
  });
}

/**
 * Clusters of a row's tokens. Those of a long row are clustered by runs of at most `LONG`, each with its share of the
 * clusters: distances take memory, and time, by the square of the tokens.
 */
function clustersOf(vectors: Float32Array, n: number, d: number, clusters: number): Int32Array {
  if (n <= LONG) return wardClusters(vectors, n, d, clusters);
  const out = new Int32Array(n);
  const runs = Math.min(Math.ceil(n / LONG), clusters);
  for (let i = 0, before = 0; i < runs; i++) {
    const [from, to] = [Math.floor((i * n) / runs), Math.floor(((i + 1) * n) / runs)];
    const share = Math.floor(((i + 1) * clusters) / runs) - before;
    // fewer clusters than runs would need: what is left goes together as it comes
    const own =
      to - from <= LONG ? wardClusters(vectors.subarray(from * d, to * d), to - from, d, share) : undefined;
    for (let t = from; t < to; t++) out[t] = before + (own ? own[t - from] : 0);
    before += share;
  }
  return out;
}

/**
 * Joins the tokens of each row to ⌈tokens / factor⌉ unit vectors; a joined token has the place of its first member.
 * @param factor tokens that become one vector, on average
 */
export function poolTokenRows(rows: TokenRowsOfVectors, factor: number): TokenRowsOfVectors {
  const { dimension: d, offsets } = rows;
  const count = offsets.length - 1;
  const out = new Int32Array(count + 1);
  for (let r = 0; r < count; r++) out[r + 1] = out[r] + Math.ceil((offsets[r + 1] - offsets[r]) / factor);
  const vectors = new Float32Array(out[count] * d);
  const starts = new Int32Array(out[count]);
  const ends = new Int32Array(out[count]);
  for (let r = 0; r < count; r++) {
    const from = offsets[r];
    const n = offsets[r + 1] - from;
    if (n === 0) continue;
    const own = rows.vectors.subarray(from * d, (from + n) * d);
    const cluster = clustersOf(own, n, d, out[r + 1] - out[r]);
    for (let t = n - 1; t >= 0; t--) {
      const to = out[r] + cluster[t];
      starts[to] = rows.starts[from + t];
      ends[to] = rows.ends[from + t];
      for (let c = 0; c < d; c++) vectors[to * d + c] += own[t * d + c];
    }
  }
  for (let at = 0; at < vectors.length; at += d) {
    let norm = 0;
    for (let c = at; c < at + d; c++) norm += vectors[c] * vectors[c];
    if (norm > 0) for (let c = at; c < at + d; c++) vectors[c] /= Math.sqrt(norm);
  }
  return { dimension: d, offsets: out, vectors, starts, ends };
}
