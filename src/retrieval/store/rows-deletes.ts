import { emptyBitmap, hasBit, setBit } from '../sparse/bitmap.ts';
import { SectionFile, SectionWriter, verifySections } from '../sparse/section-file.ts';

const KIND = 'rowsgone';

/** The deleted documents of one segment. Cumulative: each generation's file stands alone. */
export class RowsDeletes {
  readonly bits: Uint8Array;
  documents = 0;

  constructor(size: number) {
    this.bits = emptyBitmap(size);
  }

  has(document: number): boolean {
    return hasBit(this.bits, document);
  }

  /** False where it already was deleted. */
  add(document: number): boolean {
    if (this.has(document)) return false;
    setBit(this.bits, document);
    this.documents++;
    return true;
  }

  async write(path: string): Promise<number> {
    const out = new SectionWriter(path, KIND);
    out.section('meta', new TextEncoder().encode(JSON.stringify([this.documents])));
    out.section('bits', this.bits);
    return out.finish();
  }

  static read(path: string): RowsDeletes {
    const file = new SectionFile(path, KIND);
    try {
      const bits = file.load('bits');
      const deletes = new RowsDeletes(bits.length * 8);
      deletes.bits.set(bits);
      deletes.documents = (JSON.parse(new TextDecoder().decode(file.load('meta'))) as [number])[0];
      return deletes;
    } finally {
      file.close();
    }
  }

  static verify(path: string): void {
    verifySections(path, KIND);
  }
}
