/**
 * What changed in a source since the last commit: rows by key and content, parts by signature. Gives every row its
 * id, passes on the rows that count, and says at the end which are gone.
 */
import type { RecordBatch } from 'apache-arrow';
import { columnData, HASH_BYTES, hashRows, takeRows, valueAt } from '../../arrow/index.ts';
import type { RecordError, SourcePart } from '../../define/index.ts';
import { idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { BitSet, HashMap64 } from './hash-set.ts';
import { withRowIds } from './row-id.ts';

/** Numbers of a source's diff. */
export interface DiffCounts {
  added: number;
  changed: number;
  deleted: number;
  kept: number;
}

export interface SourceDiffOptions {
  readonly ledger: Ledger;
  readonly journal: JournalWriter;
  readonly slot: number;
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** Nothing of before counts. */
  readonly fresh: boolean;
  /** Whether rows that are as they were go on too. */
  readonly all: boolean;
  /** The first id that was never given. */
  readonly nextId: number;
}

interface OldPart {
  readonly signature: string;
  readonly ids: Int32Array;
}

// a part's entry: two bytes of the signature's length, the signature, the ids
function encodePart(signature: string, ids: readonly number[]): Buffer {
  const text = Buffer.from(signature);
  const out = Buffer.allocUnsafe(2 + text.length + ids.length * 4);
  out.writeUInt16LE(text.length, 0);
  out.set(text, 2);
  let at = 2 + text.length;
  for (const id of ids) at = out.writeInt32LE(id, at);
  return out;
}
function decodePart(bytes: Buffer): OldPart {
  const length = bytes.readUInt16LE(0);
  const ids = new Int32Array((bytes.length - 2 - length) >> 2);
  for (let i = 0, at = 2 + length; i < ids.length; i++, at += 4) ids[i] = bytes.readInt32LE(at);
  return { signature: bytes.toString('utf8', 2, 2 + length), ids };
}

const keyOf = (batch: RecordBatch, row: number, key: readonly string[]): string =>
  key.map(name => `${name} ${JSON.stringify(valueAt(columnData(batch, name), row))}`).join(', ');

export class SourceDiff {
  readonly #o: SourceDiffOptions;
  readonly #old = new Map<string, OldPart>();
  readonly #found = new Map<string, number[]>();
  /** Ids of rows in parts that are not read this time. */
  readonly #elsewhere = new BitSet();
  readonly #seen = new BitSet();
  readonly #new = new HashMap64();
  readonly counts: DiffCounts = { added: 0, changed: 0, deleted: 0, kept: 0 };
  nextId: number;

  constructor(options: SourceDiffOptions) {
    this.#o = options;
    this.nextId = options.nextId;
    if (options.fresh) return;
    for (const { key, value } of options.ledger.entries(TABLE.pieces, options.slot)) {
      this.#old.set(key.toString('utf8'), decodePart(value));
    }
  }

  /** Rows known from before. */
  get known(): number {
    let rows = 0;
    for (const part of this.#old.values()) rows += part.ids.length;
    return rows;
  }

  /** Whether any part is new, gone or has another signature. */
  differs(parts: readonly SourcePart[]): boolean {
    return (
      parts.length !== this.#old.size || parts.some(p => this.#old.get(p.name)?.signature !== p.signature)
    );
  }

  /** The parts to read; undefined for all. Parts whose signature is as it was stay, unless all rows go on. */
  toRead(parts: readonly SourcePart[] | undefined): ReadonlySet<string> | undefined {
    if (!parts || this.#o.all || this.#o.fresh) return undefined;
    const read = new Set<string>();
    for (const { name, signature } of parts) {
      const old = this.#old.get(name);
      if (old?.signature === signature) {
        for (const id of old.ids) this.#elsewhere.add(id);
        this.counts.kept += old.ids.length;
      } else read.add(name);
    }
    return read;
  }

  /** Takes rows of a part. Gives those that go on, with their ids, and errors for keys that were given before. */
  take(batch: RecordBatch, part: string): { batch: RecordBatch | undefined; errors: RecordError[] } {
    const { ledger, journal, slot, key, fresh, all } = this.#o;
    const names = hashRows(batch, key);
    const values = hashRows(
      batch,
      batch.schema.fields.map(f => f.name),
    );
    const found = this.#found.get(part) ?? [];
    this.#found.set(part, found);
    const rows: number[] = [];
    const ids: number[] = [];
    const errors: RecordError[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const at = row * HASH_BYTES;
      const name = names.subarray(at, at + HASH_BYTES);
      const value = values.subarray(at, at + HASH_BYTES);
      const before = fresh ? undefined : ledger.peek(tableKey(TABLE.rows, slot, name));
      let id: number;
      let goesOn = all;
      if (before) {
        id = before.readUInt32LE(0);
        if (this.#seen.has(id) || this.#elsewhere.has(id)) {
          errors.push({
            where: keyOf(batch, row, key),
            message: 'another row has this key too; keys must be unique',
          });
          continue;
        }
        if (before.subarray(4).equals(value)) this.counts.kept++;
        else {
          this.counts.changed++;
          goesOn = true;
          journal.put(tableKey(TABLE.rows, slot, name), rowEntry(id, value));
        }
      } else {
        const twin = this.#new.getOrSet(names, at, this.nextId);
        if (twin !== undefined) {
          errors.push({
            where: keyOf(batch, row, key),
            message: 'another row has this key too; keys must be unique',
          });
          continue;
        }
        id = this.nextId++;
        this.counts.added++;
        goesOn = true;
        journal.put(tableKey(TABLE.rows, slot, name), rowEntry(id, value));
        const text = Buffer.from(JSON.stringify(key.map(k => valueAt(columnData(batch, k), row))));
        journal.put(tableKey(TABLE.keys, slot, idBytes(id)), Buffer.concat([name, text]));
      }
      this.#seen.add(id);
      found.push(id);
      if (goesOn) {
        rows.push(row);
        ids.push(id);
      }
    }
    if (rows.length === 0) return { batch: undefined, errors };
    const kept = rows.length === batch.numRows ? batch : takeRows(batch, Int32Array.from(rows));
    return { batch: withRowIds(kept, Int32Array.from(ids)), errors };
  }

  /**
   * After a scan that read everything it should: stores the parts and gives the ids of the rows that are gone.
   * @param parts as listed before the scan; undefined where the source cannot tell
   */
  finish(parts: readonly SourcePart[] | undefined): Int32Array {
    const { ledger, journal, slot } = this.#o;
    const signatures = new Map((parts ?? []).map(p => [p.name, p.signature]));
    const gone: number[] = [];
    const partKey = (name: string): Buffer => tableKey(TABLE.pieces, slot, Buffer.from(name));
    for (const [name, old] of this.#old) {
      const listed = parts ? signatures.has(name) : this.#found.has(name);
      const read = this.#found.has(name) || (parts !== undefined && signatures.get(name) !== old.signature);
      if (listed && !read && !this.#o.all) continue;
      for (const id of old.ids) {
        if (this.#seen.has(id) || this.#elsewhere.has(id)) continue;
        gone.push(id);
        const entry = ledger.get(tableKey(TABLE.keys, slot, idBytes(id)));
        if (entry) journal.delete(tableKey(TABLE.rows, slot, entry.subarray(0, HASH_BYTES)));
        journal.delete(tableKey(TABLE.keys, slot, idBytes(id)));
      }
      if (!listed) journal.delete(partKey(name));
      else if (!this.#found.has(name)) journal.put(partKey(name), encodePart(signatures.get(name) ?? '', []));
    }
    for (const [name, ids] of this.#found)
      journal.put(partKey(name), encodePart(signatures.get(name) ?? '', ids));
    // parts without rows are known all the same, so that they are not read again
    for (const [name, signature] of signatures) {
      if (!this.#found.has(name) && !this.#old.has(name))
        journal.put(partKey(name), encodePart(signature, []));
    }
    this.counts.deleted = gone.length;
    return Int32Array.from(gone);
  }
}

function rowEntry(id: number, value: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(4 + HASH_BYTES);
  entry.writeUInt32LE(id, 0);
  entry.set(value, 4);
  return entry;
}
