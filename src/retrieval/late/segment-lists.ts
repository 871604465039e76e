/** What search needs of a segment in memory: the centroid of each token, and the documents of each centroid. */
import { hasBit, setBit } from '../sparse/bitmap.ts';
import type { RowsSegment } from '../store/rows-segment.ts';
import type { CentroidMaxes } from './centroid-maxes.ts';
import type { Codebook } from './codebook.ts';
import { centroidsOf, shareBytes, tokensOf } from './codec.ts';
import type { Question } from './question.ts';

/** Bytes of payloads that are read at once. */
const WINDOW = 1 << 22;

export class SegmentLists {
  private readonly segment: RowsSegment;
  private readonly resident: Uint8Array | undefined;
  private readonly maxes: CentroidMaxes;
  private readonly first: number;
  private readonly listStarts: Uint32Array;
  private readonly listed: Uint32Array;

  /**
   * @param maxes of all segments; gets the tokens and shares of this one
   * @param first of the documents of this segment, among those of all
   */
  constructor(segment: RowsSegment, book: Codebook, resident: boolean, maxes: CentroidMaxes, first: number) {
    const { documents } = segment.meta;
    this.segment = segment;
    this.maxes = maxes;
    this.first = first;
    this.resident = resident ? segment.file.load('payload') : undefined;
    const { firsts, codes, shares, stride } = maxes;
    for (let d = 0; d < documents; d++)
      firsts[first + d + 1] = firsts[first + d] + tokensAt(segment, d, book);
    for (let from = 0; from < documents; ) {
      const [start] = segment.payloadRange(from, from);
      let to = from + 1;
      while (to < documents && segment.payloadRange(to, to + 1)[1] - start <= WINDOW) to++;
      const bytes = this.bytes(from, to);
      for (let d = from; d < to; d++) {
        const at = segment.payloadRange(d, d)[0] - start;
        const n = firsts[first + d + 1] - firsts[first + d];
        if (n === 0) continue;
        centroidsOf(bytes.subarray(at), n, book, codes, firsts[first + d]);
        shares.set(bytes.subarray(at, at + shareBytes(book)), (first + d) * stride);
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
    for (let d = 0; d < this.segment.meta.documents; d++)
      for (let t = firsts[this.first + d]; t < firsts[this.first + d + 1]; t++) look(codes[t], d);
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
    return this.maxes.scored(
      docs.map(d => d + this.first),
      question,
    );
  }
}

function tokensAt(segment: RowsSegment, d: number, book: Codebook): number {
  const [start, end] = segment.payloadRange(d, d + 1);
  return tokensOf(end - start, book);
}

/** Tokens of a segment, those of deleted documents included. */
export function tokensIn(segment: RowsSegment, book: Codebook): number {
  let sum = 0;
  for (let d = 0; d < segment.meta.documents; d++) sum += tokensAt(segment, d, book);
  return sum;
}
