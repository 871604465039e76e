/**
 * Documents by title, kept up from run to run: a row and its title each, and the documents of each title in order, so
 * that titles whose documents changed are joined anew and no others.
 */
import { type RecordBatch, Schema } from 'apache-arrow';
import {
  batchOf,
  columnData,
  encodeRows,
  HASH_BYTES,
  hashRows,
  RowDecoder,
  schemaOf,
  utf8View,
  valueAt,
} from '../../src/arrow/index.ts';
import type { Change, Json, OpenContext, StepState } from '../../src/define/index.ts';
import { keyBatch, plain } from '../shape/key-batch.ts';
import { compareNatural } from './natural-order.ts';
import { type MergeNames, mergeTitles } from './title-groups.ts';

/** A document: the values of its key, and a hash of it as latin1 text. */
type Member = readonly [key: readonly Json[], id: string];

/** The documents of a title in order; `given`: the one whose key the joined row went out under. */
interface Group {
  readonly given: Member | null;
  readonly members: readonly Member[];
}

/** Bytes of rows that are joined in one go. */
const TOGETHER = 1 << 20;
/** Where more titles changed, all are joined anew. */
const MOST_TOUCHED = 50_000;
const MARK = Buffer.from('m');

const rowAt = (id: string): Buffer => Buffer.from(`r${id}`, 'latin1');
const member = (a: Member, b: Member): number => compareNatural(a[0], b[0]) || (a[1] < b[1] ? -1 : 1);

export class TitleChanges {
  readonly #names: MergeNames;
  readonly #output: Schema;
  readonly #ctx: OpenContext;
  readonly #state: StepState;
  readonly #input: Schema;
  readonly #touched = new Set<string>();
  #needsAllRows = false;

  constructor(names: MergeNames, output: Schema, ctx: OpenContext, state: StepState) {
    this.#names = names;
    this.#output = output;
    this.#ctx = ctx;
    this.#state = state;
    this.#input = schemaOf(ctx.inputs[0] ?? {});
    const before = state.get(MARK);
    if (before && Buffer.from(before).toString('utf8') !== this.#columns) this.#needsAllRows = true;
  }
  // rows are kept as bytes of these columns
  get #columns(): string {
    return this.#input.fields.map(f => `${f.name} ${f.type} ${f.nullable}`).join('\n');
  }
  /** Whether nothing is known yet: all rows will come. */
  get isEmpty(): boolean {
    return this.#state.get(MARK) === undefined;
  }
  get needsAllRows(): boolean {
    return this.#needsAllRows;
  }

  /** The documents of rows: the group each belongs to, its hash and its key. */
  documents(batch: RecordBatch): (row: number) => { group: string; id: string; key: readonly Json[] } {
    const keys = this.#ctx.keys[0];
    const ids = Buffer.from(hashRows(batch, keys).buffer);
    const titles = utf8View(batch, this.#names.title);
    const groups = Buffer.from(hashRows(batch, [this.#names.title]).buffer);
    const datas = keys.map(name => columnData(batch, name));
    const text = (hashes: Buffer, row: number): string =>
      hashes.toString('latin1', row * HASH_BYTES, (row + 1) * HASH_BYTES);
    return row => {
      const id = text(ids, row);
      const alone = titles.isNull(row) || titles.offsets[row] === titles.offsets[row + 1];
      return {
        id,
        group: alone ? `a${id}` : `t${text(groups, row)}`,
        key: datas.map(data => plain(valueAt(data, row))),
      };
    };
  }
  #put(id: string, group: string, batch: RecordBatch, row: number): void {
    const bytes = encodeRows(
      this.#input.fields.map(f => columnData(batch, f.name)),
      row,
      row + 1,
    );
    this.#state.put(rowAt(id), Buffer.concat([Buffer.from(group, 'latin1'), bytes]));
  }
  #row(id: string): { group: string; bytes: Buffer } | undefined {
    const found = this.#state.get(rowAt(id));
    if (!found) return undefined;
    const bytes = Buffer.from(found.buffer, found.byteOffset, found.length);
    return {
      group: bytes.toString('latin1', 0, 1 + HASH_BYTES),
      bytes: bytes.subarray(1 + HASH_BYTES),
    };
  }
  #group(name: string): Group {
    const bytes = this.#state.get(Buffer.from(name, 'latin1'));
    return bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Group) : { given: null, members: [] };
  }
  #putGroup(name: string, group: Group): void {
    const at = Buffer.from(name, 'latin1');
    if (group.members.length === 0 && !group.given) this.#state.delete(at);
    else this.#state.put(at, Buffer.from(JSON.stringify(group)));
  }

  /**
   * Where all rows come: notes rows as they come.
   * @returns the rows whose document had come before in this run
   */
  note(batch: RecordBatch): Int32Array {
    const documentOf = this.documents(batch);
    const again: number[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const { id, group } = documentOf(row);
      if (this.#state.get(rowAt(id))) again.push(row);
      this.#put(id, group, batch, row);
    }
    return Int32Array.from(again);
  }
  /** Takes out what {@link note} has noted of documents. @param rows with the columns of the key */
  forget(rows: RecordBatch): void {
    const ids = Buffer.from(hashRows(rows, this.#ctx.keys[0]).buffer);
    for (let row = 0; row < rows.numRows; row++)
      this.#state.delete(rowAt(ids.toString('latin1', row * HASH_BYTES, (row + 1) * HASH_BYTES)));
  }
  /** Notes a title that was joined of these rows, in order. */
  noteGroup(documentOf: ReturnType<TitleChanges['documents']>, rows: Int32Array): void {
    const all = Array.from(rows, documentOf);
    const members = all.map(({ key, id }): Member => [key, id]);
    this.#putGroup(all[0].group, { given: members[0], members });
  }
  /** After the last row, where all came. */
  noteEnd(): void {
    this.#state.put(MARK, Buffer.from(this.#columns));
  }

  /** Takes rows that are new or changed, and keys of those that are gone. */
  take({ deletes, upserts }: Change): void {
    if (this.#needsAllRows) return;
    const gone = new Map<string, Set<string>>();
    const come = new Map<string, Member[]>();
    const leave = (id: string): void => {
      const before = this.#row(id);
      if (!before) return;
      const ids = gone.get(before.group) ?? new Set();
      gone.set(before.group, ids.add(id));
    };
    if (deletes?.numRows) {
      const ids = Buffer.from(hashRows(deletes, this.#ctx.keys[0]).buffer);
      for (let row = 0; row < deletes.numRows; row++) {
        const id = ids.toString('latin1', row * HASH_BYTES, (row + 1) * HASH_BYTES);
        leave(id);
        this.#state.delete(rowAt(id));
      }
    }
    if (upserts?.numRows) {
      const documentOf = this.documents(upserts);
      for (let row = 0; row < upserts.numRows; row++) {
        const { id, group, key } = documentOf(row);
        leave(id);
        this.#put(id, group, upserts, row);
        const members = come.get(group) ?? [];
        come.set(group, members);
        members.push([key, id]);
      }
    }
    for (const name of new Set([...gone.keys(), ...come.keys()])) {
      const group = this.#group(name);
      const ids = gone.get(name);
      const stay = ids ? group.members.filter(([, id]) => !ids.has(id)) : group.members;
      const added = come.get(name) ?? [];
      this.#putGroup(name, { given: group.given, members: [...stay, ...added].sort(member) });
      this.#touched.add(name);
    }
    if (this.#touched.size > MOST_TOUCHED) this.#needsAllRows = true;
  }

  /** After the last change: titles whose documents changed, joined anew, and keys that are not given any more. */
  *end(): Generator<Change> {
    if (this.#needsAllRows) return;
    const before = new Map<string, Member>();
    const after = new Set<string>();
    for (const name of this.#touched) {
      const { given, members } = this.#group(name);
      if (given) before.set(given[1], given);
      if (members.length > 0) after.add(members[0][1]);
    }
    const gone = [...before.values()].filter(([, id]) => !after.has(id));
    if (gone.length > 0) yield { deletes: this.#keys(gone.map(([key]) => key)) };
    let decoder = new RowDecoder(this.#input.fields.map(f => f.type));
    let rows = 0;
    let bytes = 0;
    const joined = (): RecordBatch | undefined => {
      const batch = batchOf(new Schema(this.#input.fields), rows, decoder.finish());
      decoder = new RowDecoder(this.#input.fields.map(f => f.type));
      rows = bytes = 0;
      return mergeTitles([batch], this.#names, this.#output);
    };
    for (const name of this.#touched) {
      const { members } = this.#group(name);
      for (const [, id] of members) {
        const row = this.#row(id);
        if (!row) throw new Error(`a document of a title is not known`);
        rows += decoder.add(row.bytes);
        bytes += row.bytes.length;
      }
      this.#putGroup(name, { given: members[0] ?? null, members });
      if (bytes >= TOGETHER) yield { upserts: joined() };
    }
    if (rows > 0) yield { upserts: joined() };
  }

  #keys(keys: readonly (readonly Json[])[]): RecordBatch {
    return keyBatch(this.#ctx, keys);
  }
}
