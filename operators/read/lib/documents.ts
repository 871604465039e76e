/** Sources where a file is one document, or a few: files packed into raw pieces, parsed by `decode`. */
import { isUtf8 } from 'node:buffer';
import { batchOf, type Columns, nullable, schemaOf, Utf8Builder, utf8 } from '../../../src/arrow/index.ts';
import {
  type Decoded,
  type Json,
  type OpenContext,
  type RecordError,
  type SourceChunk,
  type SourceInstance,
  type SourcePosition,
  UserError,
} from '../../../src/define/index.ts';
import { openBytes } from './bytes.ts';
import { FileReads } from './file-reads.ts';
import { fileSource, plainName, type SourceFile } from './files.ts';
import { shownRecord } from './rows.ts';

/** The columns of such sources. */
export const DOCUMENT_COLUMNS: Columns = { doc_id: utf8(), title: nullable(utf8()), text: utf8() };
const SCHEMA = schemaOf(DOCUMENT_COLUMNS);

/** One document of a file; without `part` it has the file's name as key. */
export interface Document {
  readonly part?: number;
  readonly title: string | null;
  readonly text: string;
}

/** The largest file. */
export const DOCUMENT_LIMIT = 64 * 2 ** 20;

interface Packed {
  readonly file: string;
  readonly name: string;
  readonly bytes: number;
  /** Why it could not be read. */
  readonly wrong?: string;
}

/** A name without folders and endings, as a title. */
export function titleOf(name: string): string {
  const base = plainName(name).split('/').at(-1) as string;
  const dot = base.lastIndexOf('.');
  return dot > 0 ? base.slice(0, dot) : base;
}

async function readFile(
  file: SourceFile,
  reads: FileReads,
): Promise<{ parts: Uint8Array[]; length: number; wrong?: string }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const block of await openBytes(file, 0, reads)) {
    length += block.length;
    if (length > DOCUMENT_LIMIT)
      return {
        parts: [],
        length: 0,
        wrong: `found more than ${DOCUMENT_LIMIT / 2 ** 20} MiB, wanted one document: split it, or make JSONL of it`,
      };
    parts.push(block.slice());
  }
  return { parts, length };
}

async function* scanDocuments(
  files: readonly SourceFile[],
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const last = (from as { file?: string } | null | undefined)?.file;
  const reads = new FileReads();
  for (const file of files) {
    if (last !== undefined && file.shown <= last) continue;
    ctx.signal.throwIfAborted();
    const { parts, length, wrong } = await readFile(file, reads);
    const raw = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      raw.set(part, at);
      at += part.length;
    }
    const name = plainName(file.name);
    // a file a piece: it is a part of the source of its own
    const meta: Packed[] = [{ file: file.shown, name, bytes: length, ...(wrong ? { wrong } : {}) }];
    yield { raw, meta: meta as unknown as Json, position: { file: file.shown }, progress: file.size };
  }
}

/** What a parser gets: the bytes of a file without byte order mark, and its name. */
export type ParseFile = (bytes: Uint8Array, name: string) => Document[];

/** The text of bytes that must be UTF-8. @throws Error saying where they are not. */
export function utf8Text(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Error(`not valid UTF-8 (first at byte ${invalidAt(bytes)})`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Where the first bytes stand that are no UTF-8. */
function invalidAt(bytes: Uint8Array): number {
  // characters are at most four bytes long, so pieces are cut before a byte that leads one
  let at = 0;
  while (at < bytes.length) {
    let end = Math.min(bytes.length, at + 4096);
    while (end < bytes.length && end > at && (bytes[end] & 0xc0) === 0x80) end--;
    if (end === at || !isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  for (let length = 1; at < bytes.length; ) {
    if (isUtf8(bytes.subarray(at, at + length))) {
      at += length;
      length = 1;
    } else if (length === 4 || at + length >= bytes.length) break;
    else length++;
  }
  return at;
}

function decode(raw: Uint8Array, files: readonly Packed[], parse: ParseFile): Decoded {
  const ids = new Utf8Builder(files.length, files.length * 32);
  const titles = new Utf8Builder(files.length, files.length * 32);
  const texts = new Utf8Builder(files.length, raw.length);
  const errors: RecordError[] = [];
  let at = 0;
  for (const { file, name, bytes, wrong } of files) {
    const body = raw.subarray(at, at + bytes);
    at += bytes;
    const mark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
    try {
      if (wrong) throw new Error(wrong);
      if ((body[0] === 0xff && body[1] === 0xfe) || (body[0] === 0xfe && body[1] === 0xff))
        throw new Error('found UTF-16, wanted UTF-8');
      for (const { part, title, text } of parse(body.subarray(mark), name)) {
        ids.push(part === undefined ? name : `${name}#${part}`);
        titles.push(title);
        texts.push(text);
      }
    } catch (error) {
      const head = Buffer.from(body.subarray(0, 4096)).toString('utf8');
      errors.push({ where: file, message: (error as Error).message, record: shownRecord(head) });
    }
  }
  return { batch: batchOf(SCHEMA, ids.length, [ids.finish(), titles.finish(), texts.finish()]), errors };
}

/** The running source over these files. */
export function documentSource(
  files: readonly SourceFile[],
  ctx: OpenContext,
  parse: ParseFile,
): SourceInstance {
  const names = new Set(files.map(f => plainName(f.name)));
  if (names.size < files.length) {
    const seen = new Set<string>();
    const twice = files.find(f => seen.size === seen.add(plainName(f.name)).size) as SourceFile;
    throw new UserError(`two files give the document ${plainName(twice.name)}: ${twice.shown} and another`, {
      help: 'keep the plain or the compressed one',
    });
  }
  return {
    ...fileSource(files, (some, from) => scanDocuments(some, ctx, from)),
    decode: (raw, meta) => decode(raw, meta as unknown as Packed[], parse),
  };
}
