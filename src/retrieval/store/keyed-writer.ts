/** What writers of indexes of keyed rows share: all but how a row becomes bytes. */
import type { KeyedRows, Prepared } from './rows-types.ts';
import type { RowsWriter } from './rows-writer.ts';

/** Gives the bytes of a row of a batch; they hold until the next call. */
export type RowBytes = (row: number) => Uint8Array;

/** `add` and `delete`, then `prepare` (immutable files that nobody sees) and `publish` (the switch). Calls must not overlap. */
export abstract class KeyedRowsWriter<Batch extends KeyedRows> {
  protected readonly rows: RowsWriter;

  protected constructor(rows: RowsWriter) {
    this.rows = rows;
  }

  /** Makes what the index holds of each row of a batch. @throws IndexError 'argument' that names the key of a bad row */
  protected abstract encode(batch: Batch): RowBytes | Promise<RowBytes>;

  /** Work over all rows before a generation is made of them. Gives its settings where they are not the writer's first. */
  protected async beforePrepare(): Promise<Readonly<Record<string, unknown>> | undefined> {
    return undefined;
  }

  /** Adds rows; a row whose key is there replaces it. @throws IndexError 'argument' that names the key of a bad row */
  async add(batch: Batch): Promise<void> {
    await this.rows.add(batch, await this.encode(batch));
  }

  /** For each key, 1 where a live row has it. */
  has(values: readonly string[]): Uint8Array {
    return this.rows.has(values);
  }

  /** Deletes rows by key, or by the value of a stored utf8 column. Returns how many. */
  delete(values: string[], by?: string): Promise<number> {
    return this.rows.delete(values, by);
  }

  async prepare(): Promise<Prepared> {
    return this.rows.prepare(await this.beforePrepare());
  }

  /** Keeps a prepared generation without publishing it; more changes may follow. */
  keep(generation: number): Promise<void> {
    return this.rows.keep(generation);
  }

  publish(generation: number): Promise<void> {
    return this.rows.publish(generation);
  }

  /** Leaves the prepared generation to the kind's own `publish(dir, generation)`, on any thread of this process. */
  handOver(): Promise<void> {
    return this.rows.handOver();
  }

  abort(): Promise<void> {
    return this.rows.abort();
  }

  close(): Promise<void> {
    return this.rows.close();
  }
}

/** The key of a row, for errors. */
export const keyOf = ({ key: { bytes, offsets } }: KeyedRows, row: number): string =>
  Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('utf8');
