import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import { z } from 'zod';
import {
  type Example,
  type OpenContext,
  operator,
  type PlanContext,
  type SourceChunk,
  type SourcePosition,
  UserError,
} from '../../src/define/index.ts';
import { registerCodecs } from './lib/arrow-codecs.ts';
import { fileError, openBytes } from './lib/bytes.ts';
import { batchBytes, columnarLayout, cutBatch, rowPosition, toLayout } from './lib/columnar.ts';
import { COMPRESSED, type FileKind, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { keyNames, type Layout, type LayoutParams } from './lib/layout.ts';
import { checkLayout, DRIFT, layoutParams, pathParam } from './lib/params.ts';

const KIND: FileKind = { endings: ['.arrow', '.arrows', '.feather', '.ipc'], what: 'Arrow files' };
/** Bytes of a batch that is given out; larger ones are cut. */
const BATCH_BYTES = 2 ** 20;

function arrowError(cause: unknown, file: SourceFile): Error {
  if (cause instanceof UserError) return cause;
  if ((cause as NodeJS.ErrnoException).code?.startsWith('E')) return fileError(cause, file.shown);
  const text = (cause as Error).message ?? String(cause);
  if (/Unrecognized type|not.*implemented|LargeList|View|RunEnd/i.test(text))
    return new UserError(`${file.shown} holds a column type that is not read: ${text}`, {
      help: 'cast it before (large_list to list, views to utf8), or write Parquet',
      cause,
    });
  return new UserError(`${file.shown} is no sound Arrow file or stream: ${text}`, {
    help: 'is it cut short, or of another format?',
    cause,
  });
}

/** A reader over a file, in either IPC form. */
async function openReader(file: SourceFile): Promise<{
  reader: AsyncIterable<RecordBatch> & { schema: Schema };
  close: () => Promise<void>;
  consumed: () => number;
}> {
  registerCodecs();
  let handle: FileHandle | undefined;
  try {
    if (file.size === 0) throw new UserError(`${file.shown} is empty, wanted an Arrow file or stream`);
    const packed = COMPRESSED.some(e => file.path.endsWith(e));
    handle = packed ? undefined : await open(file.path);
    const head = Buffer.alloc(6);
    await handle?.read(head, 0, 6, 0);
    const stream = head.toString('latin1') !== 'ARROW1';
    const blocks = packed ? await openBytes(file) : undefined;
    const input = blocks ?? (stream ? createReadStream(file.path, { highWaterMark: 256 * 1024 }) : handle);
    let bytes = 0;
    const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const block of source) {
        bytes += block.length;
        yield blocks ? block.slice() : block;
      }
    };
    const reader = await RecordBatchReader.from(
      input === handle ? (handle as FileHandle) : (counted(input as AsyncIterable<Uint8Array>) as never),
    );
    await reader.open({ autoDestroy: false });
    if (!reader.schema) throw new Error('it holds no schema');
    return {
      reader: reader as never,
      close: async () => {
        await reader.cancel();
        await handle?.close().catch(() => {});
      },
      consumed: () => blocks?.consumed ?? bytes,
    };
  } catch (cause) {
    await handle?.close().catch(() => {});
    throw arrowError(cause, file);
  }
}

async function arrowLayout(
  p: LayoutParams,
  files: readonly SourceFile[],
): Promise<{ layout: Layout; left: string[] }> {
  const { reader, close } = await openReader(files[0]);
  try {
    return columnarLayout(p, reader.schema, files[0].shown);
  } finally {
    await close();
  }
}

async function* scanArrow(
  files: readonly SourceFile[],
  layout: Layout,
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const at = rowPosition(from);
  for (const file of files) {
    if (at && file.shown < at.file) continue;
    const skip = at?.file === file.shown ? at.row : 0;
    const { reader, close } = await openReader(file);
    let row = 0;
    let said = 0;
    try {
      for await (const batch of reader) {
        ctx.signal.throwIfAborted();
        for (const part of cutBatch(batch, BATCH_BYTES)) {
          const first = row;
          row += part.numRows;
          if (row <= skip) continue;
          const rows = first < skip ? part.slice(skip - first) : part;
          const place = { file: file.shown, name: file.name, row: Math.max(first, skip) };
          const share = Math.ceil((batchBytes(batch) * rows.numRows) / batch.numRows);
          const progress = Math.min(share, file.size - said);
          said += progress;
          yield {
            ...toLayout(rows, layout, place, ctx.warn),
            position: { file: file.shown, row },
            progress,
          };
        }
      }
    } catch (cause) {
      throw ctx.signal.aborted ? cause : arrowError(cause, file);
    } finally {
      await close();
    }
  }
}

/** An example needs a file that text cannot hold: `before` is the step that writes it. */
const example: Example & { readonly before: readonly { op: string; with: object; in: readonly object[] }[] } =
  {
    title: 'Documents with fields named otherwise',
    with: { path: 'docs.arrow', id: 'no', text: 'body' },
    before: [
      { op: 'write.arrow', with: { path: 'docs.arrow' }, in: [{ no: 7, body: 'one two', lang: 'en' }] },
    ],
    out: [{ doc_id: '7', text: 'one two', lang: 'en' }],
  };

export const readArrow = operator({
  name: 'read.arrow',
  version: 1,
  shape: 'source',
  summary: 'Reads Arrow IPC files and streams (Feather 2).',
  description: `Dictionaries and LargeUtf8 become Utf8, dates and timestamps ISO 8601 text (UTC), structs and maps JSON text; binary, decimal, time, interval and unsigned 64-bit columns are left out with a warning. Bodies compressed with LZ4 (Feather's default) or Zstandard are read. Large batches are cut to about 1 MB. ${DRIFT} A key that no column gives is made from the file's name and the row, from 1.`,
  params: z.strictObject({ path: pathParam('Arrow files'), ...layoutParams }),
  check: checkLayout,
  key: p => keyNames(p.key),
  columns: async (p, ctx: PlanContext) =>
    (await arrowLayout(p, await resolveFiles(p.path, ctx, KIND))).layout.columns,
  examples: [example],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    const { layout, left } = await arrowLayout(p, files);
    if (left.length > 0)
      ctx.warn(`${files[0].shown}: columns that cannot be read are left out: ${left.join(', ')}`);
    return fileSource(files, (some, from) => scanArrow(some, layout, ctx, from));
  },
});
