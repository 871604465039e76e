import { emptyBitmap, hasBit, setBit } from './bitmap.ts';
import { SectionFile, SectionWriter, verifySections } from './section-file.ts';
import type { Segment } from './segment.ts';

const KIND = 'deletes';
/** Terms that wait to be sorted in, at most. */
const MOST_WAITING = 1 << 20;

/**
 * The deleted documents of one segment and what they take from its statistics: df and cf a term, the
 * document count and the summed length. Cumulative: each generation's file stands alone.
 */
export class Tombstones {
  readonly bits: Uint8Array;
  documents = 0;
  totalLength = 0;
  /** By field: lengths gone of its own terms. */
  fieldLengths: number[] = [];
  /** By ascending term ordinal: documents and occurrences gone. */
  private ordinals = new Uint32Array(0);
  private gone = new Uint32Array(0);
  private occurrences = new Float64Array(0);
  /** Terms of documents deleted since, in no order: an ordinal and its occurrences. */
  private newOrdinals = new Uint32Array(256);
  private newOccurrences = new Float64Array(256);
  private waiting = 0;

  constructor(size: number) {
    this.bits = emptyBitmap(size);
  }

  has(doc: number): boolean {
    return hasBit(this.bits, doc);
  }

  /** Marks a document deleted; false where it already was. */
  delete(segment: Segment, doc: number): boolean {
    if (this.has(doc)) return false;
    setBit(this.bits, doc);
    this.documents++;
    this.totalLength += segment.lengths[doc];
    segment.fields.spaces.forEach((space, f) => {
      const gone = space === undefined ? 0 : segment.fieldLengths(f)[doc];
      this.fieldLengths[f] = (this.fieldLengths[f] ?? 0) + gone;
    });
    segment.documentTerms(doc, (ordinal, tf) => {
      if (this.waiting === this.newOrdinals.length) this.makeRoom();
      this.newOrdinals[this.waiting] = ordinal;
      this.newOccurrences[this.waiting++] = tf;
    });
    return true;
  }

  /** Documents of a term that are gone. */
  documentsOf(ordinal: number): number {
    const at = this.find(ordinal);
    return at < 0 ? 0 : this.gone[at];
  }

  /** Occurrences of a term that are gone. */
  occurrencesOf(ordinal: number): number {
    const at = this.find(ordinal);
    return at < 0 ? 0 : this.occurrences[at];
  }

  private find(ordinal: number): number {
    this.settle();
    const { ordinals } = this;
    let [from, to] = [0, ordinals.length - 1];
    while (from <= to) {
      const middle = (from + to) >> 1;
      if (ordinals[middle] === ordinal) return middle;
      if (ordinals[middle] < ordinal) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }

  private makeRoom(): void {
    if (this.waiting >= MOST_WAITING) {
      this.settle();
      return;
    }
    const [ordinals, occurrences] = [this.newOrdinals, this.newOccurrences];
    this.newOrdinals = new Uint32Array(2 * this.waiting);
    this.newOccurrences = new Float64Array(2 * this.waiting);
    this.newOrdinals.set(ordinals);
    this.newOccurrences.set(occurrences);
  }

  /** Puts what waits among the sorted terms. */
  private settle(): void {
    const n = this.waiting;
    if (n === 0) return;
    this.waiting = 0;
    // sorted as numbers: the ordinal, then the place, which together fit a double
    const order = new Float64Array(n);
    for (let i = 0; i < n; i++) order[i] = this.newOrdinals[i] * MOST_WAITING + i;
    order.sort();
    const old = this.ordinals;
    const ordinals = new Uint32Array(old.length + n);
    const gone = new Uint32Array(old.length + n);
    const occurrences = new Float64Array(old.length + n);
    let [used, at] = [0, 0];
    const keep = (): void => {
      ordinals[used] = old[at];
      gone[used] = this.gone[at];
      occurrences[used++] = this.occurrences[at++];
    };
    for (let i = 0; i < n; i++) {
      const place = order[i] % MOST_WAITING;
      const ordinal = this.newOrdinals[place];
      while (at < old.length && old[at] <= ordinal) keep();
      if (used === 0 || ordinals[used - 1] !== ordinal) {
        ordinals[used] = ordinal;
        used++;
      }
      gone[used - 1]++;
      occurrences[used - 1] += this.newOccurrences[place];
    }
    while (at < old.length) keep();
    this.ordinals = ordinals.subarray(0, used);
    this.gone = gone.subarray(0, used);
    this.occurrences = occurrences.subarray(0, used);
  }

  /** Writes the file and returns its length in bytes. */
  async write(path: string): Promise<number> {
    this.settle();
    const out = new SectionWriter(path, KIND);
    out.section(
      'meta',
      new TextEncoder().encode(JSON.stringify([this.documents, this.totalLength, this.fieldLengths])),
    );
    out.section('bits', this.bits);
    out.section('terms', this.ordinals);
    out.section('documents', this.gone);
    out.section('occurrences', this.occurrences);
    return out.finish();
  }

  static read(path: string): Tombstones {
    const file = new SectionFile(path, KIND);
    try {
      const bits = file.load('bits');
      const tombstones = new Tombstones(bits.length * 8);
      tombstones.bits.set(bits);
      const meta = JSON.parse(new TextDecoder().decode(file.load('meta'))) as [number, number, number[]?];
      tombstones.documents = meta[0];
      tombstones.totalLength = meta[1];
      tombstones.fieldLengths = meta[2] ?? [];
      const array = (name: string) => file.load(name).slice().buffer;
      tombstones.ordinals = new Uint32Array(array('terms'));
      tombstones.gone = new Uint32Array(array('documents'));
      tombstones.occurrences = new Float64Array(array('occurrences'));
      return tombstones;
    } finally {
      file.close();
    }
  }

  /** Checks the file's checksums. */
  static verify(path: string): void {
    verifySections(path, KIND);
  }
}
