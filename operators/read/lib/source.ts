/** The scan that text formats share: files in order, blocks of whole records, positions, progress. */
import type { Json, OpenContext, SourceChunk, SourcePosition } from '../../../src/define/index.ts';
import { UserError } from '../../../src/define/index.ts';
import { type ByteBlocks, openBytes } from './bytes.ts';
import { FileReads } from './file-reads.ts';
import type { SourceFile } from './files.ts';
import { type Cutter, type Place, recordBlocks, START } from './lines.ts';

/** What `decode` needs besides the bytes. */
export interface BlockMeta {
  /** Shown path, for messages. */
  readonly file: string;
  /** Name for ids that are made. */
  readonly name: string;
  /** Line of the first record (1-based). */
  readonly line: number;
  /** Number of the first record (0-based). */
  readonly record: number;
}

/** Where a source of files stands. */
export interface FilePosition {
  readonly file: string;
  readonly offset: number;
  readonly line: number;
  readonly record: number;
}

/** Reads a position back. @throws UserError where it is none of this source. */
export function filePosition(from: SourcePosition | undefined): FilePosition | undefined {
  if (from === undefined || from === null) return undefined;
  const p = from as Partial<FilePosition>;
  if (typeof p.file !== 'string' || typeof p.offset !== 'number')
    throw new UserError(`the stored position ${JSON.stringify(from)} is none of this source`, {
      help: 'start over with --full',
    });
  return { file: p.file, offset: p.offset, line: p.line ?? 1, record: p.record ?? 0 };
}

/** The files still to read from a position: a file that is gone is passed over, those after it follow. */
export const filesFrom = (files: readonly SourceFile[], at: FilePosition | undefined): SourceFile[] =>
  at === undefined ? [...files] : files.filter(f => f.shown >= at.file);

/** Files that are open besides the one that is read. */
const FILES_AHEAD = 2;

/** Scans files as raw blocks of whole records. */
export async function* scanFiles(
  files: readonly SourceFile[],
  ctx: Pick<OpenContext, 'signal'>,
  cutter: () => Cutter,
  from?: SourcePosition,
  reads = new FileReads(),
): AsyncGenerator<SourceChunk> {
  const at = filePosition(from);
  const all = filesFrom(files, at);
  const placeOf = (file: SourceFile): Place => (at?.file === file.shown ? at : START);
  // from a disk, the next files are opened, and their first blocks read, while one is worked on; two, since between
  // opening and reading the turn comes back to this thread
  const ahead: Promise<ByteBlocks>[] = [];
  let opened = 0;
  const openAhead = (): void => {
    const file = all[opened++];
    const opening = openBytes(file, placeOf(file).offset, reads);
    opening.catch(() => undefined);
    ahead.push(opening);
  };
  let unsaid = 0;
  try {
    for (const file of all) {
      ctx.signal.throwIfAborted();
      const place = placeOf(file);
      if (ahead.length === 0) openAhead();
      const blocks = await (ahead.shift() as Promise<ByteBlocks>);
      while (!reads.atOnce && ahead.length < FILES_AHEAD && opened < all.length) openAhead();
      let consumed = 0;
      for await (const block of recordBlocks(blocks, cutter(), file.shown, place, true)) {
        ctx.signal.throwIfAborted();
        const progress = blocks.consumed - consumed + unsaid;
        unsaid = 0;
        consumed = blocks.consumed;
        yield {
          raw: block.raw,
          borrowed: block.borrowed,
          meta: { file: file.shown, name: file.name, line: block.line, record: block.record } satisfies Json,
          position: { file: file.shown, ...block.end },
          progress,
        };
      }
      unsaid += blocks.consumed - consumed;
    }
  } finally {
    for (const opening of ahead) await opening.then(blocks => blocks.close()).catch(() => undefined);
  }
}
