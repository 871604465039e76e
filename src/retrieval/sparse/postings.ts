import { ByteReader, type ByteWriter } from './bytes.ts';
import type { ScoredPostings } from './scored-postings.ts';

/** Postings in a packed block (the block size of Lucene's PForDelta postings). */
export const BLOCK_DOCS = 128;
/** Lists up to this length are plain varints without block headers. */
const SMALL = 32;

/**
 * Encodes one term's postings.
 *
 * Small lists: a varint of (gap << 1 | tf > 1) a posting, then tf - 2 where the bit is set.
 * Others: a varint header a block of 128 (last document as a gap, bit widths, frontier), padding to four
 * bytes, then a block's gaps and tf - 1 bit-packed into 32-bit words.
 *
 * The frontier of a block lists the (tf, length) pairs no other posting of it beats in both (higher tf,
 * shorter document), the "impacts" of Lucene 8: whatever similarity is chosen later, its best score in
 * the block is reached at one of them.
 */
export class PostingsEncoder {
  private readonly gaps = new Uint32Array(BLOCK_DOCS);
  private readonly counts = new Uint32Array(BLOCK_DOCS);
  private readonly frontier = new Frontier();
  private words = new Uint32Array(1024);
  private used = 0;

  /** Appends the postings `docs[from..to)` (ascending) to `out`, which must start four-byte aligned. */
  encode(
    out: ByteWriter,
    docs: Int32Array | Uint32Array,
    tfs: Int32Array | Uint32Array,
    lengths: ArrayLike<number>,
    from: number,
    to: number,
  ): void {
    if (to - from <= SMALL) {
      let previous = -1;
      for (let i = from; i < to; i++) {
        const gap = docs[i] - previous - 1;
        previous = docs[i];
        out.varint(gap * 2 + (tfs[i] > 1 ? 1 : 0));
        if (tfs[i] > 1) out.varint(tfs[i] - 2);
      }
    } else this.encodeBlocks(out, docs, tfs, lengths, from, to);
    out.align(4);
  }

  private encodeBlocks(
    out: ByteWriter,
    docs: Int32Array | Uint32Array,
    tfs: Int32Array | Uint32Array,
    lengths: ArrayLike<number>,
    from: number,
    to: number,
  ): void {
    const { gaps, counts, frontier } = this;
    let previous = -1;
    this.used = 0;
    for (let start = from; start < to; start += BLOCK_DOCS) {
      const n = Math.min(BLOCK_DOCS, to - start);
      const before = previous;
      let gapBits = 0;
      let countBits = 0;
      frontier.clear();
      for (let i = 0; i < n; i++) {
        const doc = docs[start + i];
        const tf = tfs[start + i];
        gaps[i] = doc - previous - 1;
        counts[i] = tf - 1;
        gapBits |= gaps[i];
        countBits |= counts[i];
        previous = doc;
        frontier.add(tf, lengths[doc]);
      }
      const gapWidth = 32 - Math.clz32(gapBits);
      const countWidth = 32 - Math.clz32(countBits);
      out.varint(previous - before - 1);
      out.u8(gapWidth);
      out.u8(countWidth);
      frontier.write(out);
      this.pack(gaps, n, gapWidth);
      this.pack(counts, n, countWidth);
    }
    out.align(4);
    out.put(new Uint8Array(this.words.buffer, 0, this.used * 4));
  }

  private pack(values: Uint32Array, n: number, width: number): void {
    const need = this.used + Math.ceil((n * width) / 32);
    if (need + 1 > this.words.length) {
      const grown = new Uint32Array(Math.max(need + 1, this.words.length * 2));
      grown.set(this.words.subarray(0, this.used));
      this.words = grown;
    }
    const { words } = this;
    words.fill(0, this.used, need);
    let bit = this.used * 32;
    for (let i = 0; i < n && width > 0; i++, bit += width) {
      const word = Math.floor(bit / 32);
      const shift = bit & 31;
      words[word] |= values[i] << shift;
      if (shift + width > 32) words[word + 1] |= values[i] >>> (32 - shift);
    }
    this.used = need;
  }
}

/** Pairs that a frontier has room for before it grows. */
const BLOCK_PAIRS = 128;

/** The pairs of highest tf and shortest length; kept by ascending tf and ascending length. */
class Frontier {
  // arrays of their own, as splicing leaves garbage for every pair
  private tfs = new Float64Array(BLOCK_PAIRS);
  private lengths = new Float64Array(BLOCK_PAIRS);
  private count = 0;

  clear(): void {
    this.count = 0;
  }

  add(tf: number, length: number): void {
    if (this.count === this.tfs.length) this.grow();
    const { tfs, lengths, count } = this;
    let at = count;
    // Entries with a tf at least as high and a length at most as long make the new pair redundant.
    while (at > 0 && tfs[at - 1] >= tf) at--;
    if (at < count && lengths[at] <= length) return;
    let first = at;
    while (first > 0 && lengths[first - 1] >= length) first--;
    const last = at < count && tfs[at] === tf ? at + 1 : at;
    if (last !== first + 1) {
      tfs.copyWithin(first + 1, last, count);
      lengths.copyWithin(first + 1, last, count);
    }
    tfs[first] = tf;
    lengths[first] = length;
    this.count = count + 1 - (last - first);
  }

  private grow(): void {
    const [tfs, lengths] = [this.tfs, this.lengths];
    this.tfs = new Float64Array(2 * tfs.length);
    this.lengths = new Float64Array(2 * tfs.length);
    this.tfs.set(tfs);
    this.lengths.set(lengths);
  }

  write(out: ByteWriter): void {
    out.varint(this.count);
    let tf = 0;
    let length = 0;
    for (let i = 0; i < this.count; i++) {
      out.varint(this.tfs[i] - tf);
      out.varint(this.lengths[i] - length);
      tf = this.tfs[i];
      length = this.lengths[i];
    }
  }
}

/** One term's postings in one segment, as opened for reading. */
export class PostingsList {
  /** Postings, deleted documents included. */
  readonly size: number;
  readonly blocks: number;
  /** Last document of each block. */
  readonly last: Int32Array;
  /** Pairs of block b: `frontierTf/frontierLength[frontierStart[b] .. frontierStart[b + 1])`. */
  readonly frontierStart: Int32Array;
  readonly frontierTf: Int32Array;
  readonly frontierLength: Int32Array;
  /** Bytes held. */
  readonly memoryBytes: number;
  /** Bytes of the encoded form, for whoever keeps lists under a budget. */
  sourceBytes = 0;
  /** Searches that opened this list. */
  uses = 0;
  /** Eager scores, where the list is used often enough to keep them. */
  scored: ScoredPostings | undefined;
  /** Upper bounds a block, made by the search for one similarity and kept for the next query. */
  bounds: { key: string; max: number; blocks: Float64Array } | undefined;
  /** Bits a gap and a count (tf - 1) of each block. */
  readonly gapWidth: Uint8Array;
  readonly countWidth: Uint8Array;
  /** First of a block's 32-bit words: its gaps, then, from the next whole word on, its counts. */
  readonly wordStart: Int32Array;
  /** Packed blocks; empty where the list is small. */
  readonly words: Uint32Array;
  private readonly smallDocs: Int32Array | undefined;
  private readonly smallTfs: Int32Array | undefined;

  /**
   * `bytes[offset..offset + length)` holds what PostingsEncoder wrote; `offset` is four-byte aligned in
   * the underlying buffer. `lengths` are the segment's document lengths.
   */
  constructor(bytes: Uint8Array, offset: number, length: number, size: number, lengths: ArrayLike<number>) {
    this.size = size;
    this.blocks = Math.ceil(size / BLOCK_DOCS);
    const blocks = this.blocks;
    const reader = new ByteReader(bytes, offset);
    this.last = new Int32Array(blocks);
    this.gapWidth = new Uint8Array(blocks);
    this.countWidth = new Uint8Array(blocks);
    this.wordStart = new Int32Array(blocks);
    this.frontierStart = new Int32Array(blocks + 1);
    if (size <= SMALL) {
      const docs = new Int32Array(size);
      const tfs = new Int32Array(size);
      let doc = -1;
      for (let i = 0; i < size; i++) {
        const code = reader.varint();
        doc += 1 + Math.floor(code / 2);
        docs[i] = doc;
        tfs[i] = code & 1 ? reader.varint() + 2 : 1;
      }
      if (size > 0) this.last[0] = doc;
      this.smallDocs = docs;
      this.smallTfs = tfs;
      this.frontierTf = tfs;
      this.frontierLength = new Int32Array(size);
      for (let i = 0; i < size; i++) this.frontierLength[i] = lengths[docs[i]];
      this.frontierStart[blocks] = size;
      this.words = new Uint32Array(0);
      this.memoryBytes = 200 + size * 12;
      return;
    }
    const tfs: number[] = [];
    const shortest: number[] = [];
    let last = -1;
    let word = 0;
    for (let b = 0; b < blocks; b++) {
      const n = Math.min(BLOCK_DOCS, size - b * BLOCK_DOCS);
      last += reader.varint() + 1;
      this.last[b] = last;
      const gapWidth = bytes[reader.at++];
      const countWidth = bytes[reader.at++];
      this.gapWidth[b] = gapWidth;
      this.countWidth[b] = countWidth;
      this.wordStart[b] = word;
      word += Math.ceil((n * gapWidth) / 32) + Math.ceil((n * countWidth) / 32);
      this.frontierStart[b] = tfs.length;
      const pairs = reader.varint();
      let tf = 0;
      let docLength = 0;
      for (let i = 0; i < pairs; i++) {
        tf += reader.varint();
        docLength += reader.varint();
        tfs.push(tf);
        shortest.push(docLength);
      }
    }
    this.frontierStart[blocks] = tfs.length;
    this.frontierTf = Int32Array.from(tfs);
    this.frontierLength = Int32Array.from(shortest);
    const start = Math.ceil(reader.at / 4) * 4;
    if (start + word * 4 > offset + length) throw new RangeError('postings end early');
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, word);
    this.memoryBytes = 400 + blocks * 22 + tfs.length * 8;
  }

  /** Postings in a block. */
  blockSize(block: number): number {
    return Math.min(BLOCK_DOCS, this.size - block * BLOCK_DOCS);
  }

  /** Decodes a block into `docs` and `tfs` (room for 128 each) and returns its size. */
  decode(block: number, docs: Int32Array, tfs: Int32Array): number {
    const n = this.blockSize(block);
    if (this.smallDocs !== undefined && this.smallTfs !== undefined) {
      for (let i = 0; i < n; i++) {
        docs[i] = this.smallDocs[i];
        tfs[i] = this.smallTfs[i];
      }
      return n;
    }
    const gapWidth = this.gapWidth[block];
    const word = this.wordStart[block];
    unpackGaps(this.words, word, gapWidth, n, block === 0 ? -1 : this.last[block - 1], docs);
    unpackCounts(this.words, word + Math.ceil((n * gapWidth) / 32), this.countWidth[block], n, tfs);
    return n;
  }
}

function unpackGaps(
  words: Uint32Array,
  start: number,
  width: number,
  n: number,
  before: number,
  docs: Int32Array,
): void {
  let doc = before;
  if (width === 0) {
    for (let i = 0; i < n; i++) docs[i] = ++doc;
    return;
  }
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let word = start;
  let shift = 0;
  let current = words[word] | 0;
  for (let i = 0; i < n; i++) {
    let value = current >>> shift;
    shift += width;
    if (shift >= 32) {
      shift -= 32;
      current = words[++word] | 0;
      if (shift > 0) value |= current << (width - shift);
    }
    doc += (value & mask) + 1;
    docs[i] = doc;
  }
}

function unpackCounts(words: Uint32Array, start: number, width: number, n: number, tfs: Int32Array): void {
  if (width === 0) {
    tfs.fill(1, 0, n);
    return;
  }
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let word = start;
  let shift = 0;
  let current = words[word] | 0;
  for (let i = 0; i < n; i++) {
    let value = current >>> shift;
    shift += width;
    if (shift >= 32) {
      shift -= 32;
      current = words[++word] | 0;
      if (shift > 0) value |= current << (width - shift);
    }
    tfs[i] = (value & mask) + 1;
  }
}
