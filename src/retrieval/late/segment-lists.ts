/** What search needs of a segment in memory: the centroid of each token, and the documents of each centroid. */
import { hasBit, setBit } from '../sparse/bitmap.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { Codebook } from './codebook.ts';
import { centroidsOf, shareBytes, tokensOf } from './codec.ts';
import type { Question } from './question.ts';

/** Bytes of payloads that are read at once. */
const WINDOW = 1 << 22;

/** Products of some centroids with a question. */
export interface NearScores {
  /** The row of each centroid, from 1; 0 where it has none. */
  readonly places: Int32Array;
  /** Rows × tokens of the question. */
  readonly scores: Float32Array;
}

export class SegmentLists {
  readonly tokens: number;
  private readonly segment: RowsSegment;
  /** Of each document. */
  private readonly shareBytes: number;
  private readonly shares: Uint8Array;
  private readonly resident: Uint8Array | undefined;
  /** First token of each document. */
  private readonly firsts: Uint32Array;
  private readonly codes: Uint16Array;
  private readonly listStarts: Uint32Array;
  private readonly listed: Uint32Array;

  constructor(segment: RowsSegment, book: Codebook, resident: boolean) {
    const { documents } = segment.meta;
    this.segment = segment;
    this.shareBytes = shareBytes(book);
    this.shares = new Uint8Array(documents * this.shareBytes);
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
        const n = this.firsts[d + 1] - this.firsts[d];
        if (n === 0) continue;
        centroidsOf(bytes.subarray(at), n, book, this.codes, this.firsts[d]);
        this.shares.set(bytes.subarray(at, at + this.shareBytes), d * this.shareBytes);
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

  /** Documents with a token at a centroid. */
  countAt(centroid: number): number {
    return this.listStarts[centroid + 1] - this.listStarts[centroid];
  }

  /** Marks those allowed of a centroid's documents. Returns how many were not marked before. */
  mark(centroid: number, seen: Uint8Array, allowed: Uint8Array | undefined): number {
    let found = 0;
    for (let i = this.listStarts[centroid]; i < this.listStarts[centroid + 1]; i++) {
      const doc = this.listed[i];
      if (hasBit(seen, doc) || (allowed !== undefined && !hasBit(allowed, doc))) continue;
      setBit(seen, doc);
      found++;
    }
    return found;
  }

  /** MaxSim over centroids and shares alone; where `near` is given, over those centroids only. */
  scored(
    docs: Uint32Array,
    { count, scores, shares: products }: Question,
    near: NearScores | undefined,
  ): Float32Array {
    const { codes, firsts, shares, shareBytes } = this;
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
      for (let b = 0, at = docs[i] * shareBytes; b < shareBytes; b++)
        sum += products[(b << 8) + shares[at + b]];
      out[i] = sum;
    }
    return out;
  }
}
