import { z } from 'zod';
import {
  type Example,
  type OpenContext,
  operator,
  type PlanContext,
  type SourceChunk,
  type SourcePosition,
} from '../../src/define/index.ts';
import { batchBytes, columnarLayout, cutBatch, rowPosition, toLayout } from './lib/columnar.ts';
import { type FileKind, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { keyNames, type Layout, type LayoutParams } from './lib/layout.ts';
import { plainOf } from './lib/normal.ts';
import { checkLayout, DRIFT, layoutParams, pathParam } from './lib/params.ts';
import { BATCH_BYTES, openParquet, parquetError } from './lib/parquet-file.ts';
import { lateField } from './lib/rows.ts';

const KIND: FileKind = { endings: ['.parquet', '.pq'], what: 'Parquet files' };

async function parquetLayout(
  p: LayoutParams,
  files: readonly SourceFile[],
): Promise<{ layout: Layout; left: string[] }> {
  const parquet = await openParquet(files[0]);
  parquet.close();
  return columnarLayout(p, parquet.schema, files[0].shown);
}

async function* scanParquet(
  files: readonly SourceFile[],
  layout: Layout,
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const at = rowPosition(from);
  const wanted = new Set(layout.fields.map(f => f.field));
  for (const file of files) {
    if (at && file.shown < at.file) continue;
    const skip = at?.file === file.shown ? at.row : 0;
    const parquet = await openParquet(file);
    const { schema, rows } = parquet;
    let said = 0;
    try {
      // late columns are named even where they are not read
      if (layout.strict)
        for (const f of schema.fields)
          if (!wanted.has(f.name) && !layout.ignored.has(f.name) && plainOf(f.type))
            ctx.warn(lateField(f.name));
      const columns = schema.fields.map(f => f.name).filter(n => wanted.has(n));
      for await (const { row: start, batch } of parquet.batches(columns, skip)) {
        let row = start;
        for (const whole of cutBatch(batch, BATCH_BYTES)) {
          ctx.signal.throwIfAborted();
          const first = row;
          row += whole.numRows;
          if (row <= skip) continue;
          const part = first < skip ? whole.slice(skip - first) : whole;
          const share =
            rows === undefined
              ? Math.ceil((batchBytes(batch) * part.numRows) / batch.numRows)
              : (file.size * part.numRows) / rows;
          const progress = Math.min(file.size - said, Math.round(share));
          said += progress;
          const place = { file: file.shown, name: file.name, row: Math.max(first, skip) };
          yield { ...toLayout(part, layout, place, ctx.warn), position: { file: file.shown, row }, progress };
        }
      }
    } catch (cause) {
      throw ctx.signal.aborted ? cause : parquetError(cause, file);
    } finally {
      parquet.close();
    }
  }
}

/** An example needs a file that text cannot hold: `before` is the step that writes it. */
const example: Example & { readonly before: readonly { op: string; with: object; in: readonly object[] }[] } =
  {
    title: 'Documents with fields named otherwise',
    with: { path: 'docs.parquet', id: 'no', text: 'body' },
    before: [
      { op: 'write.parquet', with: { path: 'docs.parquet' }, in: [{ no: 7, body: 'one two', lang: 'en' }] },
    ],
    out: [{ doc_id: '7', text: 'one two', lang: 'en' }],
  };

export const readParquet = operator({
  name: 'read.parquet',
  version: 1,
  shape: 'source',
  summary: 'Reads Parquet files, a row group after the other, only the columns that are wanted.',
  description: `All codecs of the format are read. Dates and timestamps become ISO 8601 text (UTC), structs and maps JSON text; binary, decimal, time, interval and unsigned 64-bit columns are left out with a warning. ${DRIFT} A key that no column gives is made from the file's name and the row, from 1. Memory: the compressed bytes of one row group and batches of about 1 MB. A file whose page index does not parse is read as a whole, up to 1 GiB.`,
  params: z.strictObject({ path: pathParam('Parquet files'), ...layoutParams }),
  check: checkLayout,
  key: p => keyNames(p.key),
  columns: async (p, ctx: PlanContext) =>
    (await parquetLayout(p, await resolveFiles(p.path, ctx, KIND))).layout.columns,
  examples: [example],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    const { layout, left } = await parquetLayout(p, files);
    if (left.length > 0)
      ctx.warn(`${files[0].shown}: columns that cannot be read are left out: ${left.join(', ')}`);
    return fileSource(files, (some, from) => scanParquet(some, layout, ctx, from));
  },
});
