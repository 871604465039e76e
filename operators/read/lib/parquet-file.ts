/** One Parquet file as batches, in row order. */
import { openAsBlob } from 'node:fs';
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import type { ParquetFile, RecordBatch as WasmBatch } from 'parquet-wasm';
import { formatBytes, UserError } from '../../../src/define/index.ts';
import { fileError, readWhole } from './bytes.ts';
import { COMPRESSED, type SourceFile } from './files.ts';

/** Bytes a batch is meant to have. */
export const BATCH_BYTES = 2 ** 20;
/** The largest file that is read as a whole, where its page index is broken. */
const WHOLE_LIMIT = 2 ** 30;
/** Rows decoded at once of such a file. */
const WHOLE_ROWS = 16_384;

/** An open file. */
export interface ParquetRows {
  readonly schema: Schema;
  /** Batches of these columns from about row `from` on, each with the number of its first row. */
  batches(
    columns: string[],
    from: number,
  ): AsyncGenerator<{ readonly row: number; readonly batch: RecordBatch }>;
  /** Rows of the file, where it says so cheaply. */
  readonly rows: number | undefined;
  close(): void;
}

/** The error of a Parquet file in the user's words. */
export function parquetError(cause: unknown, file: SourceFile): Error {
  if (cause instanceof UserError) return cause;
  if ((cause as NodeJS.ErrnoException)?.code?.startsWith('E')) return fileError(cause, file.shown);
  const text = cause instanceof Error ? cause.message : String(cause);
  return new UserError(`${file.shown} cannot be read as Parquet: ${text.slice(0, 300)}`, {
    help: COMPRESSED.some(e => file.path.endsWith(e))
      ? 'Parquet compresses inside: unpack the file first'
      : 'is it cut short, encrypted, or of another format?',
    cause,
  });
}

function fromWasm(batch: WasmBatch): RecordBatch | undefined {
  const reader = RecordBatchReader.from(batch.intoIPCStream());
  reader.open();
  const { value, done } = reader.next();
  return done ? undefined : (value as RecordBatch);
}

function schemaFrom(ipc: Uint8Array): Schema {
  const reader = RecordBatchReader.from(ipc);
  reader.open();
  return reader.schema;
}

async function* streamed(
  parquet: ParquetFile,
  columns: string[],
  from: number,
): ReturnType<ParquetRows['batches']> {
  const meta = parquet.metadata();
  const groups = meta.numRowGroups();
  let row = 0;
  for (let g = 0; g < groups; g++) {
    const group = meta.rowGroup(g);
    const rows = group.numRows();
    if (row + rows <= from) {
      row += rows;
      continue;
    }
    // the size that the file tells is that of encoded pages: rows may be larger, so batches are cut again
    const perRow = Math.max(1, group.totalByteSize() / Math.max(1, rows));
    const batchSize = Math.max(1, Math.min(1024, Math.floor(BATCH_BYTES / perRow)));
    const stream = await parquet.stream({ rowGroups: [g], batchSize, columns });
    for await (const piece of stream as unknown as AsyncIterable<WasmBatch>) {
      const batch = fromWasm(piece);
      if (!batch) continue;
      yield { row, batch };
      row += batch.numRows;
    }
  }
}

/** A file whose page index does not parse (parquetjs writes such): read without it, from memory. */
async function openWhole(file: SourceFile): Promise<ParquetRows> {
  if (file.size > WHOLE_LIMIT)
    throw new UserError(
      `${file.shown} has a broken page index and ${formatBytes(file.size)}, too much to read it as a whole`,
      { help: 'write it again with a current writer' },
    );
  const wasm = await import('parquet-wasm');
  const { bytes } = await readWhole(file, WHOLE_LIMIT);
  return {
    schema: schemaFrom(wasm.readSchema(bytes).intoIPCStream()),
    rows: undefined,
    batches: async function* (columns, from) {
      for (let row = from; ; ) {
        const options = { columns, offset: row, limit: WHOLE_ROWS, batchSize: 1024 };
        const table = wasm.readParquet(bytes, options);
        const pieces = table.recordBatches();
        table.free();
        let got = 0;
        for (const piece of pieces) {
          const batch = fromWasm(piece);
          if (!batch || batch.numRows === 0) continue;
          yield { row: row + got, batch };
          got += batch.numRows;
        }
        if (got === 0) return;
        row += got;
      }
    },
    close: () => {},
  };
}

/** Opens a file. @throws UserError naming it. */
export async function openParquet(file: SourceFile): Promise<ParquetRows> {
  try {
    if (file.size < 12)
      throw new UserError(
        `${file.shown} is ${file.size === 0 ? 'empty' : 'too short'}, wanted a Parquet file`,
      );
    // 5 MB of WebAssembly: loaded where it is used
    const { ParquetFile } = await import('parquet-wasm');
    let parquet: ParquetFile;
    try {
      parquet = await ParquetFile.fromFile(await openAsBlob(file.path));
    } catch (cause) {
      if (/null_pages|min_values|max_values|boundary_order|page_locations/.test(String(cause)))
        return await openWhole(file);
      throw cause;
    }
    return {
      schema: schemaFrom(parquet.schema().intoIPCStream()),
      rows: parquet.metadata().fileMetadata().numRows(),
      batches: (columns, from) => streamed(parquet, columns, from),
      close: () => parquet.free(),
    };
  } catch (cause) {
    throw parquetError(cause, file);
  }
}
