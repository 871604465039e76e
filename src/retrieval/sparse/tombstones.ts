import { emptyBitmap, hasBit, setBit } from './bitmap.ts';
import { SectionFile, SectionWriter, verifySections } from './section-file.ts';
import type { Segment } from './segment.ts';

const KIND = 'deletes';

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
  /** By term ordinal: documents and occurrences gone. */
  readonly terms = new Map<number, { documents: number; occurrences: number }>();

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
      const gone = this.terms.get(ordinal);
      if (gone === undefined) this.terms.set(ordinal, { documents: 1, occurrences: tf });
      else {
        gone.documents++;
        gone.occurrences += tf;
      }
    });
    return true;
  }

  /** A copy that can be changed while readers keep this one. */
  clone(): Tombstones {
    const copy = new Tombstones(this.bits.length * 8);
    copy.bits.set(this.bits);
    copy.documents = this.documents;
    copy.totalLength = this.totalLength;
    copy.fieldLengths = [...this.fieldLengths];
    for (const [ordinal, gone] of this.terms) copy.terms.set(ordinal, { ...gone });
    return copy;
  }

  /** Writes the file and returns its length in bytes. */
  async write(path: string): Promise<number> {
    const ordinals = [...this.terms.keys()].sort((a, b) => a - b);
    const out = new SectionWriter(path, KIND);
    out.section(
      'meta',
      new TextEncoder().encode(JSON.stringify([this.documents, this.totalLength, this.fieldLengths])),
    );
    out.section('bits', this.bits);
    out.section('terms', Uint32Array.from(ordinals));
    out.section(
      'documents',
      Uint32Array.from(ordinals, o => this.terms.get(o)?.documents ?? 0),
    );
    out.section(
      'occurrences',
      Float64Array.from(ordinals, o => this.terms.get(o)?.occurrences ?? 0),
    );
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
      const terms = new Uint32Array(array('terms'));
      const documents = new Uint32Array(array('documents'));
      const occurrences = new Float64Array(array('occurrences'));
      terms.forEach((ordinal, i) => {
        tombstones.terms.set(ordinal, { documents: documents[i], occurrences: occurrences[i] });
      });
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
