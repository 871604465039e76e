/** Arrow IPC a batch at a time: Arrow's writers queue whatever they are given, so their bytes are taken at once. */
import { open } from 'node:fs/promises';
import { RecordBatchFileWriter, RecordBatchReader, RecordBatchStreamWriter, type Schema } from 'apache-arrow';
import { type Columns, columnData, schemaOf, takeRows, valueAt, withSchema } from '../../src/arrow/index.ts';
import { type Format, type Rewrite, rebatched } from './sink.ts';
import type { Target } from './target.ts';

export type ArrowKind = 'file' | 'stream';

/** What is used of Arrow's writers: `_write` is where every byte passes. */
interface BytesOut {
  drain(): Uint8Array[];
}

class FileBytes extends RecordBatchFileWriter implements BytesOut {
  #chunks: Uint8Array[] = [];
  protected override _write(chunk: ArrayBufferView): this {
    const bytes = viewOf(chunk);
    this.#chunks.push(bytes);
    this._position += bytes.byteLength;
    return this;
  }
  drain(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

class StreamBytes extends RecordBatchStreamWriter implements BytesOut {
  #chunks: Uint8Array[] = [];
  protected override _write(chunk: ArrayBufferView): this {
    const bytes = viewOf(chunk);
    this.#chunks.push(bytes);
    this._position += bytes.byteLength;
    return this;
  }
  drain(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

const viewOf = (chunk: ArrayBufferView): Uint8Array =>
  new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);

/** Writes batches of these columns. */
export function arrowFormat(columns: Columns, kind: ArrowKind): Format {
  const schema: Schema = schemaOf(columns);
  const writer =
    kind === 'file' ? new FileBytes({ autoDestroy: true }) : new StreamBytes({ autoDestroy: true });
  const drain = async (target: Target): Promise<void> => {
    for (const bytes of writer.drain()) await target.write(bytes);
  };
  return rebatched({
    start: target => {
      writer.reset(undefined, schema);
      return drain(target);
    },
    rows: (batch, target) => {
      writer.write(withSchema(batch, schema));
      return drain(target);
    },
    end: target => {
      writer.finish();
      return drain(target);
    },
  });
}

/** Writes a file again without the rows that were deleted. */
export const rewriteArrow =
  (columns: Columns, kind: ArrowKind): Rewrite =>
  async (from, to, deletes) => {
    const format = arrowFormat(columns, kind);
    await format.start?.(to);
    let row = 0;
    let kept = 0;
    const handle = await open(from.file.path);
    try {
      const reader = await RecordBatchReader.from(handle);
      await reader.open();
      for await (const batch of reader) {
        const datas = new Map(deletes.columns.map(name => [name, columnData(batch, name)]));
        const stay: number[] = [];
        for (let i = 0; i < batch.numRows; i++, row++)
          if (!deletes.drops(row, name => valueAt(datas.get(name) as never, i))) stay.push(i);
        if (stay.length === 0) continue;
        kept += stay.length;
        await format.rows(stay.length < batch.numRows ? takeRows(batch, Int32Array.from(stay)) : batch, to);
      }
    } finally {
      await handle.close();
    }
    await format.end?.(to);
    return kept;
  };
