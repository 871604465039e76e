/** Puts records into columns, one row at a time and straight into buffers. */
import type { RecordBatch } from 'apache-arrow';
import { batchOf, emptyBatch, Utf8Builder } from '../../../src/arrow/index.ts';
import { type Cell, cellOf } from './cells.ts';
import type { Field, Layout } from './layout.ts';

/** Bytes of a record that an error keeps. */
const SHOWN_RECORD = 4096;

/** A record as an error keeps it. */
export const shownRecord = (text: string): string =>
  text.length > SHOWN_RECORD ? `${text.slice(0, SHOWN_RECORD)}...` : text;

/** The warning about a field that came later than the columns were fixed. */
export const lateField = (name: string): string =>
  `field "${name}" was not in the head of the first file and is left out; name it in with.columns to keep it`;

/** Rows in the making. */
export class Rows {
  readonly #layout: Layout;
  readonly #cells: Cell[];
  readonly #names: string[];
  readonly #titles: string[];
  readonly #nullable: boolean[];
  readonly #inherited: boolean[];
  readonly #made: Utf8Builder | undefined;
  readonly #known: Set<string>;
  readonly #late: (name: string) => void;
  /** What to do about the record that was refused last, where that is not to mend it. */
  help: string | undefined;
  rows = 0;
  /** Rough bytes of the rows so far. */
  bytes = 0;

  /** @param late called for each field of a record that the layout does not know */
  constructor(layout: Layout, late: (name: string) => void, rows = 256, bytes = rows * 64) {
    this.#layout = layout;
    const share = Math.max(64, Math.floor(bytes / Math.max(1, layout.fields.length)));
    this.#cells = layout.fields.map(f =>
      cellOf(f.type.type, rows, f.keep, f.column === 'text' ? bytes : Math.min(share, rows * 24)),
    );
    this.#names = layout.fields.map(f => f.field);
    this.#titles = layout.fields.map(f => f.field);
    this.#nullable = layout.fields.map(f => f.type.nullable);
    // a record without a field "constructor" still answers to it
    this.#inherited = layout.fields.map(f => f.field in Object.prototype);
    this.#made = layout.made ? new Utf8Builder(rows, rows * 16) : undefined;
    this.#known = new Set([...this.#names, ...layout.ignored]);
    this.#late = late;
  }

  /** Adds a record; what is wrong with it, where it was refused. `id` is its key where keys are made. */
  push(record: Readonly<Record<string, unknown>>, id: string): string | undefined {
    const names = this.#names;
    let present = 0;
    this.help = undefined;
    for (let c = 0; c < names.length; c++) {
      const value = this.#inherited[c] && !Object.hasOwn(record, names[c]) ? undefined : record[names[c]];
      if (value === undefined || value === null) {
        if (value === null) present++;
        if (!this.#nullable[c]) return `column "${this.#titles[c]}": found null, wanted a value`;
        continue;
      }
      present++;
      const wrong = this.#cells[c].problem(value);
      if (wrong !== undefined)
        return this.#guessed(
          `column "${this.#titles[c]}"${wrong.startsWith('[') ? wrong : `: ${wrong}`}`,
          this.#layout.fields[c],
        );
    }
    for (let c = 0; c < names.length; c++) {
      const value = this.#inherited[c] && !Object.hasOwn(record, names[c]) ? undefined : record[names[c]];
      if (value === undefined || value === null) this.#cells[c].pushNull();
      else this.#cells[c].push(value);
    }
    this.#made?.push(id);
    this.rows++;
    if (this.#layout.strict) {
      let fields = 0;
      for (const _ in record) fields++;
      if (fields > present) for (const name in record) if (!this.#known.has(name)) this.#late(name);
    }
    return undefined;
  }

  // where the type is a guess, the record may be as good as the one it was guessed from
  #guessed(wrong: string, { field, keep }: Field): string {
    const from = this.#layout.guessedFrom;
    if (from === undefined || keep === 'key') return wrong;
    this.help = 'declare the fields to read and their types in with.columns, or mend the record';
    return `${wrong} (guessed from ${from}, the first file with records; columns: { ${field}: ... } declares it)`;
  }

  finish(): RecordBatch {
    const { schema, columns, made } = this.#layout;
    if (this.rows === 0) return emptyBatch(columns);
    const datas = this.#cells.map(cell => cell.finish());
    if (made) datas.unshift((this.#made as Utf8Builder).finish());
    return batchOf(schema, this.rows, datas);
  }
}
