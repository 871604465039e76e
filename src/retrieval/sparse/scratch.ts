/** Bytes of a term of a row: term and count, and both again as a posting. */
export const SCRATCH_BYTES = 16;

/**
 * Rows' terms and counts, and the same as postings: what a buffer of documents fills and a flush transposes. A writer
 * has one for all its buffers, of the size it may reach: pages that are not touched take no memory, and arrays that
 * grow or are made anew would leave theirs to the garbage collector, which comes late.
 */
export class Scratch {
  terms: Int32Array;
  counts: Int32Array;
  docs = new Int32Array(0);
  tfs = new Int32Array(0);

  /** @param bytes it takes when it is full */
  constructor(bytes: number) {
    const size = Math.ceil(bytes / SCRATCH_BYTES);
    this.terms = new Int32Array(size);
    this.counts = new Int32Array(size);
  }

  /** Room for `need` terms of rows. */
  reserve(need: number): void {
    if (need <= this.terms.length) return;
    this.terms = widened(this.terms, need);
    this.counts = widened(this.counts, need);
  }

  /** Room for `need` postings; what they held is lost. */
  reservePostings(need: number): void {
    if (need <= this.docs.length) return;
    const size = Math.max(need, this.terms.length);
    this.docs = new Int32Array(size);
    this.tfs = new Int32Array(size);
  }
}

function widened(old: Int32Array, need: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(Math.max(need, old.length * 2));
  wide.set(old);
  return wide;
}
