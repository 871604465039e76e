/** What search needs of a segment in memory: the centroid of each token, and the documents of each centroid. */
import { emptyBitmap, hasBit, setBit } from '../sparse/bitmap.ts';
import { countAllowed } from '../store/rows-index.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { Codebook } from './codebook.ts';
import { centroidsOf, tokensOf } from './codec.ts';
import type { Question, StageOptions } from './question.ts';

/** Bytes of payloads that are read at once. */
const WINDOW = 1 << 22;

/** Documents of a segment and what is known of their scores. */
export interface Near {
  readonly docs: Uint32Array;
  readonly scores: Float32Array;
}

interface Scores {
  /** The row of each centroid, from 1; 0 where it has none. */
  readonly places: Uint16Array;
  /** Rows × tokens of the question. */
  readonly scores: Float32Array;
}

export class SegmentLists {
  readonly tokens: number;
  private readonly segment: RowsSegment;
  private readonly resident: Uint8Array | undefined;
  /** First token of each document. */
  private readonly firsts: Uint32Array;
  private readonly codes: Uint16Array;
  private readonly listStarts: Uint32Array;
  private readonly listed: Uint32Array;

  constructor(segment: RowsSegment, book: Codebook, resident: boolean) {
    const { documents } = segment.meta;
    this.segment = segment;
    this.resident = resident ? segment.file.load('payload') : undefined;
    this.firsts = new Uint32Array(documents + 1);
    for (let d = 0; d < documents; d++) {
      const [start, end] = segment.payloadRange(d, d + 1);
      this.firsts[d + 1] = this.firsts[d] + tokensOf(end - start, book);
    }
    this.tokens = this.firsts[documents];
    this.codes = new Uint16Array(this.tokens);
    for (let from = 0; from < documents; ) {
      const [start] = segment.payloadRange(from, from);
      let to = from + 1;
      while (to < documents && segment.payloadRange(to, to + 1)[1] - start <= WINDOW) to++;
      const bytes = this.bytes(from, to);
      for (let d = from; d < to; d++) {
        const at = segment.payloadRange(d, d)[0] - start;
        centroidsOf(bytes.subarray(at), this.firsts[d + 1] - this.firsts[d], this.codes, this.firsts[d]);
      }
      from = to;
    }
    const count = book.centroids.length / book.dimension;
    this.listStarts = new Uint32Array(count + 1);
    const last = new Int32Array(count).fill(-1);
    this.eachToken((code, d) => {
      if (last[code] === d) return;
      last[code] = d;
      this.listStarts[code + 1]++;
    });
    for (let c = 0; c < count; c++) this.listStarts[c + 1] += this.listStarts[c];
    this.listed = new Uint32Array(this.listStarts[count]);
    const next = this.listStarts.slice();
    last.fill(-1);
    this.eachToken((code, d) => {
      if (last[code] === d) return;
      last[code] = d;
      this.listed[next[code]++] = d;
    });
  }

  private eachToken(look: (code: number, document: number) => void): void {
    const { codes, firsts } = this;
    for (let d = 0; d + 1 < firsts.length; d++)
      for (let t = firsts[d]; t < firsts[d + 1]; t++) look(codes[t], d);
  }

  private bytes(from: number, to: number): Uint8Array {
    if (this.resident === undefined) return this.segment.readPayload(from, to);
    return this.resident.subarray(...this.segment.payloadRange(from, to));
  }

  /** The compressed tokens of a document. */
  payload(document: number): Uint8Array {
    return this.bytes(document, document + 1);
  }

  /** All documents that are allowed. */
  all(allowed: Uint8Array | undefined): number[] {
    const out: number[] = [];
    for (let d = 0; d < this.segment.meta.documents; d++)
      if (allowed === undefined || hasBit(allowed, d)) out.push(d);
    return out;
  }

  /** Documents that may be among the best, with their MaxSim over centroids: what the stages before the last leave. */
  candidates(question: Question, stages: StageOptions, k: number, allowed: Uint8Array | undefined): Near {
    const wanted = Math.max(stages.candidates >> 2, k + 8);
    const most = stages.candidates * 8;
    let found: Uint32Array;
    // of few documents, looking at all is as quick and misses none
    if (countAllowed(allowed, this.segment.meta.documents) <= wanted)
      found = Uint32Array.from(this.all(allowed));
    else {
      found = this.near(question, stages.cells, most, allowed);
      for (let cells = stages.cells * 2; found.length < wanted; cells *= 2) {
        found = this.near(question, cells, most, allowed);
        if (cells >= this.listStarts.length - 1) break;
      }
    }
    if (found.length > stages.candidates) {
      const few = this.scored(found, question, this.nearCentroids(question, stages.threshold));
      found = best(few, found, stages.candidates);
    }
    return { docs: found, scores: this.scored(found, question, undefined) };
  }

  /** Documents with a token at one of the `cells` centroids nearest to a token of the question, ascending. */
  private near(
    question: Question,
    cells: number,
    most: number,
    allowed: Uint8Array | undefined,
  ): Uint32Array {
    const { count, scores } = question;
    const centroids = this.listStarts.length - 1;
    const seen = emptyBitmap(this.segment.meta.documents);
    const taken = new Map<number, number>();
    const top = new Int32Array(Math.min(cells, centroids));
    for (let q = 0; q < count; q++) {
      let n = 0;
      for (let c = 0; c < centroids; c++) {
        if (this.listStarts[c] === this.listStarts[c + 1]) continue;
        const score = scores[c * count + q];
        if (n === top.length && score <= scores[top[n - 1] * count + q]) continue;
        let at = n < top.length ? n++ : n - 1;
        for (; at > 0 && scores[top[at - 1] * count + q] < score; at--) top[at] = top[at - 1];
        top[at] = c;
      }
      for (let i = 0; i < n; i++)
        taken.set(top[i], Math.max(taken.get(top[i]) ?? -Infinity, scores[top[i] * count + q]));
    }
    let found = 0;
    // lists of common words hold nearly all passages: what scores most comes first, and enough is enough
    const order = [...taken].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    for (const [c] of order) {
      if (found >= most) break;
      for (let i = this.listStarts[c]; i < this.listStarts[c + 1]; i++) {
        const doc = this.listed[i];
        if (hasBit(seen, doc) || (allowed !== undefined && !hasBit(allowed, doc))) continue;
        setBit(seen, doc);
        found++;
      }
    }
    const out = new Uint32Array(found);
    let at = 0;
    for (let b = 0; b < seen.length; b++)
      if (seen[b] !== 0) for (let d = b * 8; d < b * 8 + 8; d++) if (hasBit(seen, d)) out[at++] = d;
    return out;
  }

  /** Products of centroids that some token of the question has a cosine of `threshold` to, in a table that is small. */
  private nearCentroids(question: Question, threshold: number): Scores {
    const { count, scores, lengths } = question;
    const places = new Uint16Array(this.listStarts.length - 1);
    const rows: number[] = [];
    for (let c = 0; c < places.length; c++)
      for (let q = 0; q < count; q++)
        if (scores[c * count + q] >= threshold * lengths[q]) {
          rows.push(c);
          places[c] = rows.length;
          break;
        }
    const near = new Float32Array((rows.length + 1) * count);
    rows.forEach((c, i) => {
      near.set(scores.subarray(c * count, (c + 1) * count), (i + 1) * count);
    });
    return { places, scores: near };
  }

  /** MaxSim over centroids alone; where `near` is given, over those only. */
  private scored(docs: Uint32Array, { count, scores }: Question, near: Scores | undefined): Float32Array {
    const { codes, firsts } = this;
    const out = new Float32Array(docs.length);
    const best = new Float32Array(count);
    const table = near?.scores ?? scores;
    for (let i = 0; i < docs.length; i++) {
      best.fill(near === undefined ? -1e30 : 0);
      const end = firsts[docs[i] + 1];
      for (let t = firsts[docs[i]]; t < end; t++) {
        const place = near === undefined ? codes[t] : near.places[codes[t]];
        if (near !== undefined && place === 0) continue;
        const base = place * count;
        for (let q = 0; q < count; q++) if (table[base + q] > best[q]) best[q] = table[base + q];
      }
      let sum = 0;
      for (let q = 0; q < count; q++) sum += best[q];
      out[i] = sum;
    }
    return out;
  }
}

/** The `n` documents with the greatest scores; ties go to the lower numbers. */
function best(scores: Float32Array, docs: Uint32Array, n: number): Uint32Array {
  const sorted = Float32Array.from(scores).sort();
  const floor = sorted[sorted.length - n];
  let ties = n;
  for (let i = sorted.length - 1; i >= 0 && sorted[i] > floor; i--) ties--;
  const out = new Uint32Array(n);
  let at = 0;
  for (let i = 0; i < docs.length; i++)
    if (scores[i] > floor || (scores[i] === floor && ties-- > 0)) out[at++] = docs[i];
  return out;
}
