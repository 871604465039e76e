/**
 * Deletes that reach a writer. What is deleted may be in the file already, so the keys are kept with the number of
 * rows written by then, and the file is read once more before it is published: rows that came before their delete
 * are left out.
 */
import type { RecordBatch } from 'apache-arrow';
import { columnData, valueAt } from '../../src/arrow/index.ts';

/** A row's value of a column. */
export type ValueOf = (column: string) => unknown;

const text = (values: readonly unknown[]): string =>
  JSON.stringify(values.map(v => (typeof v === 'bigint' ? Number(v) : (v ?? null))));

export class Deletes {
  // by the columns a delete names: key → rows that had been written
  readonly #sets = new Map<string, { columns: string[]; at: Map<string, number> }>();

  get some(): boolean {
    return this.#sets.size > 0;
  }
  /** Columns that {@link Deletes.drops} asks for. */
  get columns(): string[] {
    return [...new Set([...this.#sets.values()].flatMap(s => s.columns))];
  }

  /** Notes deletes after `rows` rows were written. */
  add(deletes: RecordBatch, rows: number): void {
    if (deletes.numRows === 0) return;
    const columns = deletes.schema.fields.map(f => f.name);
    const name = JSON.stringify(columns);
    let set = this.#sets.get(name);
    if (!set) {
      set = { columns, at: new Map() };
      this.#sets.set(name, set);
    }
    const datas = columns.map(c => columnData(deletes, c));
    for (let row = 0; row < deletes.numRows; row++) set.at.set(text(datas.map(d => valueAt(d, row))), rows);
  }

  /** Whether row number `row` of the file, with these values, was deleted after it was written. */
  drops(row: number, value: ValueOf): boolean {
    for (const { columns, at } of this.#sets.values()) {
      const until = at.get(text(columns.map(value)));
      if (until !== undefined && row < until) return true;
    }
    return false;
  }
}
