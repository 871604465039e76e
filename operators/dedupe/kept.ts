/**
 * Which documents stay, kept up as they come, change and go. For each it is known whether it was given; rows that were
 * put aside are remembered whole, so that they can be given when what stood in their way goes.
 */
import type { RecordBatch } from 'apache-arrow';
import {
  batchOf,
  columnData,
  concatBatches,
  encodeRows,
  HASH_BYTES,
  hashRows,
  RowDecoder,
  schemaOf,
  takeRows,
  valueAt,
} from '../../src/arrow/index.ts';
import type { Change, Json, OpenContext, StepState } from '../../src/define/index.ts';
import { keyBatch, plain } from '../shape/key-batch.ts';

/** A hash of a document's key, as latin1 text. */
export type Id = string;
/** The values of a document's key. */
export type Key = readonly Json[];

/** What a way of comparing documents says of them. `traits` are the bytes it compares. */
export interface Rule {
  /** Traits of each row. */
  traits(batch: RecordBatch): (row: number) => Buffer;
  /** Takes a document in; gives the documents whose fate may change by it. */
  add(id: Id, key: Key, traits: Buffer): Iterable<Id>;
  /** Takes a document out; gives the documents whose fate may change by it. */
  remove(id: Id, key: Key, traits: Buffer): Iterable<Id>;
  /** Whether a document stays. */
  stays(id: Id, key: Key, traits: Buffer): boolean;
}

interface Doc {
  readonly given: boolean;
  readonly key: Key;
  readonly traits: Buffer;
}

/** Order of keys: numbers as numbers, texts by code units. */
export function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    return String(x) < String(y) ? -1 : 1;
  }
  return 0;
}

/** The state's key for something that is named by an id. */
export const named = (kind: string, id: Id): Buffer => Buffer.from(kind + id, 'latin1');

/** What a step remembers of a document: whether it was given, its key, its traits. */
export class Documents {
  readonly #state: StepState;
  constructor(state: StepState) {
    this.#state = state;
  }
  get(id: Id): Doc | undefined {
    const bytes = this.#state.get(named('d', id));
    if (!bytes) return undefined;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = 3 + buffer.readUInt16LE(1);
    return {
      given: buffer[0] === 1,
      key: JSON.parse(buffer.toString('utf8', 3, end)) as Key,
      traits: buffer.subarray(end),
    };
  }
  put(id: Id, { given, key, traits }: Doc): void {
    const text = Buffer.from(JSON.stringify(key));
    const head = Buffer.alloc(3);
    head[0] = given ? 1 : 0;
    head.writeUInt16LE(text.length, 1);
    this.#state.put(named('d', id), Buffer.concat([head, text, traits]));
  }
  delete(id: Id): void {
    this.#state.delete(named('d', id));
  }
}

export class Kept {
  readonly #ctx: OpenContext;
  readonly #state: StepState;
  readonly #docs: Documents;
  readonly #rule: Rule;
  /** True where a row would have to be given that is not remembered: it was given before, and then put aside. */
  needsAllRows = false;

  constructor(ctx: OpenContext, state: StepState, docs: Documents, rule: Rule) {
    this.#ctx = ctx;
    this.#state = state;
    this.#docs = docs;
    this.#rule = rule;
  }

  #ids(batch: RecordBatch): Id[] {
    const hashes = Buffer.from(hashRows(batch, this.#ctx.keys[0]).buffer);
    return Array.from({ length: batch.numRows }, (_, row) =>
      hashes.toString('latin1', row * HASH_BYTES, (row + 1) * HASH_BYTES),
    );
  }

  process({ upserts, deletes }: Change): Change {
    const open = new Set<Id>();
    const out: Key[] = [];
    for (const id of deletes ? this.#ids(deletes) : []) {
      const doc = this.#docs.get(id);
      if (!doc) continue;
      this.#docs.delete(id);
      this.#state.delete(named('r', id));
      for (const other of this.#rule.remove(id, doc.key, doc.traits)) open.add(other);
      if (doc.given) out.push(doc.key);
    }
    const at = new Map<Id, number>();
    if (upserts) this.#take(upserts, at, open);
    const rows: number[] = [];
    const aside: Uint8Array[] = [];
    for (const id of open) {
      const doc = this.#docs.get(id);
      if (!doc) continue;
      const row = at.get(id);
      const stays = this.#rule.stays(id, doc.key, doc.traits);
      if (stays) {
        if (row !== undefined) rows.push(row);
        else if (!doc.given) {
          const kept = this.#state.get(named('r', id));
          if (kept) aside.push(kept);
          else {
            this.needsAllRows = true;
            continue;
          }
        }
        if (!this.#ctx.keepsRows) this.#state.delete(named('r', id));
        else if (row !== undefined && upserts)
          this.#state.put(named('r', id), encodeRows(upserts.data.children, row, row + 1));
      } else {
        if (doc.given) out.push(doc.key);
        if (row !== undefined && upserts) {
          this.#state.put(named('r', id), encodeRows(upserts.data.children, row, row + 1));
        }
      }
      if (stays !== doc.given) this.#docs.put(id, { ...doc, given: stays });
    }
    return { deletes: this.#keys(out), upserts: this.#rows(upserts, rows, aside) };
  }

  #take(batch: RecordBatch, at: Map<Id, number>, open: Set<Id>): void {
    const datas = this.#ctx.keys[0].map(name => columnData(batch, name));
    const traitsOf = this.#rule.traits(batch);
    for (const [row, id] of this.#ids(batch).entries()) {
      at.set(id, row);
      open.add(id);
      const before = this.#docs.get(id);
      const traits = traitsOf(row);
      if (before?.traits.equals(traits)) continue;
      const key = before?.key ?? datas.map(data => plain(valueAt(data, row)));
      if (before) for (const other of this.#rule.remove(id, key, before.traits)) open.add(other);
      this.#docs.put(id, { given: before?.given ?? false, key, traits });
      for (const other of this.#rule.add(id, key, traits)) open.add(other);
    }
  }

  #keys(keys: readonly Key[]): RecordBatch | undefined {
    if (keys.length === 0) return undefined;
    return keyBatch(this.#ctx, keys);
  }

  // rows of the batch in its order, then those that were remembered
  #rows(
    batch: RecordBatch | undefined,
    rows: readonly number[],
    aside: readonly Uint8Array[],
  ): RecordBatch | undefined {
    const parts: RecordBatch[] = [];
    if (batch && rows.length > 0) {
      const taken = Int32Array.from(rows).sort();
      parts.push(taken.length === batch.numRows ? batch : takeRows(batch, taken));
    }
    if (aside.length > 0) {
      const schema = batch?.schema ?? schemaOf(this.#ctx.inputs[0]);
      const decoder = new RowDecoder(schema.fields.map(f => f.type));
      for (const bytes of aside) decoder.add(bytes);
      parts.push(batchOf(schema, aside.length, decoder.finish()));
    }
    if (parts.length === 0) return undefined;
    return parts.length === 1 ? parts[0] : concatBatches(parts);
  }
}
