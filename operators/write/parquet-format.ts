/** Parquet in row groups, through the WebAssembly writer: batches in by a pulled stream, bytes out as they come. */
import { openAsBlob } from 'node:fs';
import { RecordBatchReader } from 'apache-arrow';
import type { RecordBatch as WasmBatch } from 'parquet-wasm';
import {
  type Columns,
  columnData,
  emptyBatch,
  encodeBatch,
  schemaOf,
  takeRows,
  valueAt,
  withSchema,
} from '../../src/arrow/index.ts';
import { type Format, type Rewrite, rebatched } from './sink.ts';
import type { Target } from './target.ts';

/** How pages are stored. */
export interface ParquetPages {
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'brotli' | 'none';
  readonly dictionary: boolean;
}

/** A row group ends at so many rows or bytes, whichever comes first: what the writer holds. */
const GROUP_ROWS = 131_072;
const GROUP_BYTES = 32 * 2 ** 20;

/** Hands batches over one at a time: `give` waits until the writer asks. */
class Handover {
  readonly stream: ReadableStream<WasmBatch>;
  #wanted: (() => void) | undefined;
  #want = new Promise<void>(resolve => {
    this.#wanted = resolve;
  });
  #controller: ReadableStreamDefaultController<WasmBatch> | undefined;
  constructor() {
    this.stream = new ReadableStream<WasmBatch>(
      {
        start: controller => {
          this.#controller = controller;
        },
        pull: () => this.#wanted?.(),
      },
      { highWaterMark: 0 },
    );
  }
  async give(batch: WasmBatch): Promise<void> {
    await this.#want;
    this.#want = new Promise<void>(resolve => {
      this.#wanted = resolve;
    });
    this.#controller?.enqueue(batch);
  }
  end(): void {
    this.#controller?.close();
  }
  fail(error: unknown): void {
    this.#controller?.error(error);
  }
}

/** Writes batches of these columns. */
export async function parquetFormat(columns: Columns, pages: ParquetPages): Promise<Format> {
  const wasm = await import('parquet-wasm');
  const schema = schemaOf(columns);
  const codec = {
    zstd: wasm.Compression.ZSTD,
    snappy: wasm.Compression.SNAPPY,
    gzip: wasm.Compression.GZIP,
    brotli: wasm.Compression.BROTLI,
    none: wasm.Compression.UNCOMPRESSED,
  }[pages.compression];
  const properties = () =>
    new wasm.WriterPropertiesBuilder()
      .setCompression(codec)
      .setDictionaryEnabled(pages.dictionary)
      .setMaxRowGroupSize(GROUP_ROWS)
      .setMaxRowGroupBytes(GROUP_BYTES)
      .setCreatedBy('millrace')
      .build();
  let handover: Handover | undefined;
  let draining: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  const start = (target: Target): Handover => {
    const input = new Handover();
    draining = (async () => {
      try {
        const output = await wasm.transformParquetStream(input.stream, properties());
        for await (const bytes of output as unknown as AsyncIterable<Uint8Array>) await target.write(bytes);
      } catch (error) {
        failure = { error };
      }
    })();
    return input;
  };
  const check = (): void => {
    if (failure) throw failure.error;
  };
  return rebatched({
    rows: async (batch, target) => {
      handover ??= start(target);
      const table = wasm.Table.fromIPCStream(new Uint8Array(encodeBatch(withSchema(batch, schema))));
      const pieces = table.recordBatches();
      table.free();
      for (const piece of pieces) {
        // a writer that failed asks for nothing more
        await Promise.race([handover.give(piece), draining]);
        check();
      }
    },
    end: async target => {
      if (!handover) {
        const table = wasm.Table.fromIPCStream(new Uint8Array(encodeBatch(emptyBatch(columns))));
        await target.write(wasm.writeParquet(table, properties()));
        return;
      }
      handover.end();
      await draining;
      check();
    },
    close: async () => {
      if (!handover || failure) return;
      try {
        handover.fail(new Error('aborted'));
      } catch {
        // closed already
      }
      await draining;
    },
  });
}

/** Writes a file again without the rows that were deleted. */
export const rewriteParquet =
  (columns: Columns, pages: ParquetPages): Rewrite =>
  async (from, to, deletes) => {
    const { ParquetFile } = await import('parquet-wasm');
    const format = await parquetFormat(columns, pages);
    const parquet = await ParquetFile.fromFile(await openAsBlob(from.file.path));
    let row = 0;
    let kept = 0;
    try {
      const stream = await parquet.stream({ batchSize: 1024 });
      for await (const piece of stream as unknown as AsyncIterable<WasmBatch>) {
        for (const batch of RecordBatchReader.from(piece.intoIPCStream())) {
          const datas = new Map(deletes.columns.map(name => [name, columnData(batch, name)]));
          const stay: number[] = [];
          for (let i = 0; i < batch.numRows; i++, row++)
            if (!deletes.drops(row, name => valueAt(datas.get(name) as never, i))) stay.push(i);
          if (stay.length === 0) continue;
          kept += stay.length;
          await format.rows(stay.length < batch.numRows ? takeRows(batch, Int32Array.from(stay)) : batch, to);
        }
      }
      await format.end?.(to);
    } finally {
      await format.close?.();
      parquet.free();
    }
    return kept;
  };
