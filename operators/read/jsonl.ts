import { isAscii, isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { type Columns, hashedLines } from '../../src/arrow/index.ts';
import {
  type Decoded,
  type Json,
  operator,
  type PlanContext,
  type RecordError,
  type SourceRecords,
  UserError,
} from '../../src/define/index.ts';
import { openBytes } from './lib/bytes.ts';
import { type FileKind, fileSource, resolveFiles, type SourceFile } from './lib/files.ts';
import { Inference } from './lib/infer.ts';
import { keyNames, type Layout, type LayoutParams, layoutOf } from './lib/layout.ts';
import { LineCutter, recordBlocks } from './lib/lines.ts';
import { checkLayout, DRIFT, layoutParams, pathParam } from './lib/params.ts';
import { lateField, Rows, shownRecord } from './lib/rows.ts';
import { type BlockMeta, scanFiles } from './lib/source.ts';

const KIND: FileKind = { endings: ['.jsonl', '.ndjson', '.jsonlines', '.json'], what: 'JSONL files' };
const HEAD_RECORDS = 1000;
const HEAD_BYTES = 2 ** 20;

/** Lines of a block: calls back with each line that is not blank. */
function eachLine(
  raw: Uint8Array,
  line: number,
  use: (start: number, end: number, line: number) => boolean,
): void {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let start = 0, n = line; start < bytes.length; n++) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const stop = end > start && bytes[end - 1] === 13 ? end - 1 : end;
    let at = start;
    while (at < stop && (bytes[at] === 32 || bytes[at] === 9)) at++;
    if (at < stop && !use(at, stop, n)) return;
    start = end + 1;
  }
}

/** A line is a record. */
export const lineRecords: SourceRecords = {
  bounds: raw => {
    let bounds = new Int32Array(256);
    let used = 0;
    eachLine(raw, 1, (start, end) => {
      if (used === bounds.length) {
        const wider = new Int32Array(bounds.length * 2);
        wider.set(bounds);
        bounds = wider;
      }
      bounds[used++] = start;
      bounds[used++] = end;
      return true;
    });
    return bounds.subarray(0, used);
  },
  hashed: hashedLines,
  // the line ends stay, so that lines keep their numbers
  only: (raw, bounds, keep) => {
    let size = raw.length;
    for (let i = 0; i < bounds.length; i += 2) if (!keep(i / 2)) size -= bounds[i + 1] - bounds[i];
    const out = new Uint8Array(size);
    let from = 0;
    let to = 0;
    const copy = (end: number): void => {
      // most pieces are a line end: a view of each would cost more than its bytes
      if (end - from > 16) out.set(raw.subarray(from, end), to);
      else for (let b = from; b < end; b++) out[to + b - from] = raw[b];
      to += end - from;
    };
    for (let i = 0; i < bounds.length; i += 2) {
      if (keep(i / 2)) continue;
      copy(bounds[i]);
      from = bounds[i + 1];
    }
    copy(raw.length);
    return out;
  },
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOfJson = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'string'
        ? 'text'
        : `a ${typeof value}`;

/** Decodes a block of lines. @param lines gets the line of each row */
export function decodeLines(
  raw: Uint8Array,
  meta: BlockMeta,
  layout: Layout,
  warn: (message: string) => void,
  lines?: number[],
): Decoded {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const ascii = isAscii(raw);
  const valid = ascii || isUtf8(raw);
  const encoding = ascii ? 'latin1' : 'utf8';
  const rows = new Rows(layout, name => warn(lateField(name)), Math.ceil(raw.length / 512) + 8, raw.length);
  const errors: RecordError[] = [];
  // one closure a block: in the line's callback it would cost a tenth of the time
  const fail = (message: string, start: number, end: number, line: number, help?: string): true => {
    const record = shownRecord(bytes.toString('utf8', start, Math.min(end, start + 8192)));
    errors.push({ where: `${meta.file}:${line}`, message, record, help });
    return true;
  };
  eachLine(raw, meta.line, (start, end, line) => {
    if (!valid && !isUtf8(raw.subarray(start, end)))
      return fail('the line is not valid UTF-8', start, end, line);
    let record: unknown;
    try {
      record = JSON.parse(bytes.toString(encoding, start, end));
    } catch (error) {
      return fail(`not JSON: ${(error as Error).message}; wanted one object a line`, start, end, line);
    }
    if (!isRecord(record)) return fail(`found ${kindOfJson(record)}, wanted a JSON object`, start, end, line);
    const wrong = rows.push(record, layout.made ? `${meta.name}#${line}` : '');
    if (wrong !== undefined) return fail(wrong, start, end, line, rows.help);
    lines?.push(line);
    return true;
  });
  return { batch: rows.finish(), errors };
}

/** Calls back with each record of a block, or with what is wrong with it as text. */
export function parseLines(
  raw: Uint8Array,
  meta: BlockMeta,
  use: (record: Record<string, unknown> | string, where: string, source: string) => void,
): void {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  eachLine(raw, meta.line, (start, end, line) => {
    const where = `${meta.file}:${line}`;
    const source = bytes.toString('utf8', start, end);
    if (!isUtf8(raw.subarray(start, end))) use('the line is not valid UTF-8', where, source);
    else {
      try {
        const record: unknown = JSON.parse(source);
        use(isRecord(record) ? record : `found ${kindOfJson(record)}, wanted a JSON object`, where, source);
      } catch (error) {
        use(`not JSON: ${(error as Error).message}; wanted one object a line`, where, source);
      }
    }
    return true;
  });
}

/** What the head of a file gave: of the first that has records. */
interface Guess {
  readonly inference: Inference;
  readonly from?: string;
}

/** What heads of files gave, by what parts are told apart by too: opening asks again what planning has asked just now. */
const heads = new Map<string, Guess>();
const MOST_HEADS = 16;
const headOf = ({ path, size, changed, unsettled }: SourceFile): string | undefined =>
  changed === undefined || unsettled ? undefined : `${size} ${changed} ${path}`;

/** Reads the head of the first file that has records. */
async function inferFrom(files: readonly SourceFile[]): Promise<Guess> {
  const inference = new Inference();
  for (const file of files) {
    const head = headOf(file);
    const known = head === undefined ? undefined : heads.get(head);
    if (known) return known;
    let first: string | undefined;
    let bytes = 0;
    for await (const block of recordBlocks(await openBytes(file), new LineCutter(), file.shown)) {
      const text = Buffer.from(block.raw.buffer);
      eachLine(block.raw, block.line, (start, end, line) => {
        const source = text.toString('utf8', start, end);
        bytes += end - start;
        try {
          const record: unknown = JSON.parse(source);
          if (isRecord(record)) inference.add(record);
          else first ??= `line ${line} is ${kindOfJson(record)}`;
        } catch (error) {
          first ??= `line ${line} is ${shownRecord(source.slice(0, 60))} (${(error as Error).message})`;
        }
        return inference.records < HEAD_RECORDS && bytes < HEAD_BYTES;
      });
      if (inference.records >= HEAD_RECORDS || bytes >= HEAD_BYTES) break;
    }
    if (inference.records > 0) {
      if (heads.size === MOST_HEADS) heads.clear();
      const guess: Guess = { inference, from: file.shown };
      if (head !== undefined) heads.set(head, guess);
      return guess;
    }
    if (first !== undefined)
      throw new UserError(`${file.shown}: no line at its head is a JSON object; ${first}`, {
        help: /is a list|is \[/.test(first)
          ? `the file is one JSON list, wanted an object a line: jq -c '.[]' ${file.shown}`
          : 'wanted JSONL: one JSON object a line',
      });
  }
  return { inference };
}

/** The layout of JSONL files. */
export async function jsonlLayout(p: LayoutParams, files: readonly SourceFile[]): Promise<Layout> {
  const { inference, from }: Guess = p.columns ? { inference: new Inference() } : await inferFrom(files);
  return { ...layoutOf(p, inference.finish(), from ?? files[0].shown), guessedFrom: from };
}

export const readJsonl = operator({
  name: 'read.jsonl',
  version: 1,
  shape: 'source',
  summary: 'Reads JSONL: one JSON object a line, plain or compressed (gzip, zstd, brotli).',
  description: `Fields become columns. ${DRIFT}

Objects, and lists that are mixed or nested, are kept as their JSON text. Blank lines are passed over; a lone surrogate in an escape becomes U+FFFD. A key that no field gives is made from the file's name and the line: \`docs.jsonl#12\`.`,
  params: z.strictObject({ path: pathParam('JSONL files'), ...layoutParams }),
  check: checkLayout,
  key: p => keyNames(p.key),
  columns: async (p, ctx: PlanContext): Promise<Columns> =>
    (await jsonlLayout(p, await resolveFiles(p.path, ctx, KIND))).columns,
  guessedFrom: async (p, ctx: PlanContext) =>
    (await jsonlLayout(p, await resolveFiles(p.path, ctx, KIND))).guessedFrom,
  examples: [
    {
      title: 'Documents with fields named otherwise',
      with: { path: 'docs.jsonl', id: 'no', text: 'body' },
      files: { 'docs.jsonl': '{"no": 7, "body": "one two", "lang": "en"}\n{"no": 8, "body": "three"}\n' },
      out: [
        { doc_id: '7', text: 'one two', lang: 'en' },
        { doc_id: '8', text: 'three', lang: null },
      ],
    },
    {
      title: 'Questions that have no ids',
      with: { path: 'questions.jsonl', key: 'question_id' },
      files: { 'questions.jsonl': '{"question": "who?", "answers": ["A", "B"]}\n' },
      out: [{ question_id: 'questions.jsonl#1', question: 'who?', answers: ['A', 'B'] }],
    },
  ],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    const layout = await jsonlLayout(p, files);
    if (Object.keys(layout.columns).length > 0 && layout.fields.length === 0)
      ctx.warn(`${files.length === 1 ? files[0].shown : `all ${files.length} files`} held no records`);
    return {
      ...fileSource(files, (some, from) => scanFiles(some, ctx, () => new LineCutter(), from)),
      // a key that is made says where the line stands
      records: layout.made ? undefined : lineRecords,
      decode: (raw: Uint8Array, meta: Json) =>
        decodeLines(raw, meta as unknown as BlockMeta, layout, ctx.warn),
      linesOf: (raw: Uint8Array, meta: Json) => {
        const lines: number[] = [];
        decodeLines(raw, meta as unknown as BlockMeta, layout, () => undefined, lines);
        return lines;
      },
    };
  },
});
