/** What search needs of a segment in memory: the centroid of each token, and the documents of each centroid. */
import { hasBit, setBit } from '../sparse/bitmap.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import { CentroidMaxes } from './centroid-maxes.ts';
import type { Codebook } from './codebook.ts';
import { centroidsOf, shareBytes, tokensOf } from './codec.ts';
import type { Question } from './question.ts';

/** Bytes of payloads that are read at once. */
const WINDOW = 1 << 22;

export class SegmentLists {
  readonly tokens: number = 0;
  private readonly segment: RowsSegment;
  /** Of each document. */
  private readonly shareBytes: number;
  private readonly shares: Uint8Array;
  private readonly resident: Uint8Array | undefined;
  private readonly maxes: CentroidMaxes;
  private readonly listStarts: Uint32Array;
  private readonly listed: Uint32Array;

  constructor(segment: RowsSegment, book: Codebook, resident: boolean) {
    const { documents } = segment.meta;
    this.segment = segment;
    this.shareBytes = shareBytes(book);
    this.shares = new Uint8Array(documents * this.shareBytes);
    this.resident = resident ? segment.file.load('payload') : undefined;
    const counts = new Uint32Array(documents);
    for (let d = 0; d < documents; d++) {
      const [start, end] = segment.payloadRange(d, d + 1);
      counts[d] = tokensOf(end - start, book);
      this.tokens += counts[d];
    }
    this.maxes = new CentroidMaxes(documents, this.tokens);
    const { firsts, codes } = this.maxes;
    counts.forEach((n, d) => {
      firsts[d + 1] = firsts[d] + n;
    });
    for (let from = 0; from < documents; ) {
      const [start] = segment.payloadRange(from, from);
      let to = from + 1;
      while (to < documents && segment.payloadRange(to, to + 1)[1] - start <= WINDOW) to++;
      const bytes = this.bytes(from, to);
      for (let d = from; d < to; d++) {
        const at = segment.payloadRange(d, d)[0] - start;
        if (counts[d] === 0) continue;
        centroidsOf(bytes.subarray(at), counts[d], book, codes, firsts[d]);
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
    const { codes, firsts } = this.maxes;
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

  /** MaxSim over centroids and shares alone. */
  scored(docs: Uint32Array, question: Question): Float32Array {
    const { shares, shareBytes } = this;
    const { shares: products } = question;
    const out = this.maxes.scored(docs, question);
    if (shareBytes === 0) return out;
    for (let i = 0; i < docs.length; i++) {
      let sum = 0;
      for (let b = 0, at = docs[i] * shareBytes; b < shareBytes; b++)
        sum += products[(b << 8) + shares[at + b]];
      out[i] += sum;
    }
    return out;
  }
}
