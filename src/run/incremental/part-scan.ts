/** A part that is read in this run: the rows it had so far, and how much of that the journal knows. */
import type { Entries } from '../../state/index.ts';
import { IdRanges } from './id-ranges.ts';
import { encodePart, partKey } from './part-entry.ts';
import { RECORD_BYTES, RecordHashes, type Records } from './records.ts';

const NONE = new Uint8Array(0);
const NO_IDS = new Int32Array(0);

export class PartScan {
  readonly name: string;
  /** Ids of its rows, in their order. */
  readonly ids = new IdRanges();
  /** Whether it holds rows whose key a row before them has. */
  leftOut = false;
  /**
   * `reading`: rows may come, or the journal lacks some. `closed`: its entry is in the journal, as far as is known.
   * `noted`: a commit has taken it as it is.
   */
  state: 'reading' | 'closed' | 'noted' = 'reading';
  // let go when the part is closed; where rows come after that, the hashes are not known
  #hashes: RecordHashes | undefined = new RecordHashes();

  constructor(name: string) {
    this.name = name;
  }

  /** Rows in their order: those left undecoded and those that came, or -1 for one that is none. */
  add(came: readonly number[], records: Records | undefined): void {
    this.state = 'reading';
    const all = records?.ids ?? NO_IDS;
    let empty = 0;
    for (let i = 0; i < all.length; i++) if (all[i] < 0) empty++;
    if (!records || empty !== came.length) {
      // a record that gave no row: which one is whose is not known
      for (let i = 0; i < all.length; i++) this.#put(all[i], records?.hashes, i);
      for (const id of came) this.#put(id);
      return;
    }
    let next = 0;
    for (let i = 0; i < all.length; i++) this.#put(all[i] < 0 ? came[next++] : all[i], records.hashes, i);
  }
  #put(id: number, hashes?: Uint32Array, record?: number): void {
    if (id < 0) return;
    this.ids.add(id);
    this.#hashes?.add(hashes, record);
  }

  /** Writes its entry. */
  write(journal: Entries, slot: number, signature: string): void {
    const { name, ids, leftOut } = this;
    const bytes = this.#hashes?.bytes();
    const hashes = bytes?.length === ids.length * RECORD_BYTES ? bytes : NONE;
    journal.put(partKey(slot, name), encodePart({ name, signature, ids, leftOut }, hashes));
  }
  /** It is over: its entry goes into the journal, so that the hashes of its records need not stay. */
  close(journal: Entries, slot: number, signature: string): void {
    if (this.state !== 'reading') return;
    this.write(journal, slot, signature);
    this.#hashes = undefined;
    this.state = 'closed';
  }
}
