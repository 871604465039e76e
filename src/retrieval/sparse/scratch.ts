/** Bytes of a term of a row: term and count, and both again as a posting. */
export const SCRATCH_BYTES = 16;

/** Terms of rows that it has room for at first: of a few thousand passages. */
const FEW = 1 << 18;

/**
 * Rows' terms and counts, and the same as postings: what a buffer of documents fills and a flush transposes. A writer
 * has one for all its buffers. It grows once, to the size it may reach: pages that are not touched take no memory, and
 * arrays that grow or are made anew would leave theirs to the garbage collector, which comes late. Small at first, as the
 * collector counts untouched pages too, and would come again and again in a run over a few documents.
 */
export class Scratch {
  terms: Int32Array;
  counts: Int32Array;
  docs = new Int32Array(0);
  tfs = new Int32Array(0);

  readonly #full: number;

  /** @param bytes it takes when it is full */
  constructor(bytes: number) {
    this.#full = Math.ceil(bytes / SCRATCH_BYTES);
    const size = Math.min(FEW, this.#full);
    this.terms = new Int32Array(size);
    this.counts = new Int32Array(size);
  }

  /** Room for `need` terms of rows. */
  reserve(need: number): void {
    if (need <= this.terms.length) return;
    const size = need <= this.#full ? this.#full : Math.max(need, this.terms.length * 2);
    this.terms = widened(this.terms, size);
    this.counts = widened(this.counts, size);
  }

  /** Room for `need` postings; what they held is lost. */
  reservePostings(need: number): void {
    if (need <= this.docs.length) return;
    const size = Math.max(need, this.terms.length);
    this.docs = new Int32Array(size);
    this.tfs = new Int32Array(size);
  }
}

function widened(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(size);
  wide.set(old);
  return wide;
}
