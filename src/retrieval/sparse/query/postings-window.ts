import { BLOCK_DOCS, type PostingsList } from '../postings.ts';

/** Documents a query is worked out for at a time. */
export const WINDOW = 4096;
/** The document after all documents. */
export const NO_DOCUMENT = 0x7fffffff;

/** A term's postings read window after window, forward. */
export class PostingsWindow {
  /** Documents and frequencies of the window that was loaded last, up to `size`. */
  readonly docs = new Int32Array(WINDOW + BLOCK_DOCS);
  readonly tfs = new Int32Array(WINDOW + BLOCK_DOCS);
  size = 0;
  private readonly list: PostingsList;
  private base = -1;
  private end = -1;
  private block = 0;
  private decoded = -1;
  private blockSize = 0;
  private readonly blockDocs = new Int32Array(BLOCK_DOCS);
  private readonly blockTfs = new Int32Array(BLOCK_DOCS);

  constructor(list: PostingsList) {
    this.list = list;
  }

  /** The first document at or after `from` that holds the term. */
  next(from: number): number {
    if (!this.seek(from)) return NO_DOCUMENT;
    this.decode();
    let i = 0;
    while (this.blockDocs[i] < from) i++;
    return this.blockDocs[i];
  }

  /** Loads the postings of documents [base, end), at most WINDOW documents; not before those loaded last. */
  load(base: number, end: number): void {
    if (base === this.base && end === this.end) return;
    this.base = base;
    this.end = end;
    let n = 0;
    while (this.seek(base)) {
      this.decode();
      const { blockDocs, blockTfs, blockSize } = this;
      let i = 0;
      while (blockDocs[i] < base) i++;
      for (; i < blockSize && blockDocs[i] < end; i++, n++) {
        this.docs[n] = blockDocs[i];
        this.tfs[n] = blockTfs[i];
      }
      if (i < blockSize || this.list.last[this.block] >= end - 1) break;
      this.block++;
    }
    this.size = n;
  }

  /** tf in one document, 0 where it is absent. */
  at(doc: number): number {
    this.load(doc, doc + 1);
    return this.size === 0 ? 0 : this.tfs[0];
  }

  /** Moves to the block that may hold the first document at or after `from`; false where there is none. */
  private seek(from: number): boolean {
    const { last, blocks } = this.list;
    while (this.block < blocks && last[this.block] < from) this.block++;
    return this.block < blocks;
  }

  private decode(): void {
    if (this.decoded === this.block) return;
    this.blockSize = this.list.decode(this.block, this.blockDocs, this.blockTfs);
    this.decoded = this.block;
  }
}
