import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { Columns } from '../../src/arrow/index.ts';
import {
  type Decoded,
  type Json,
  type OpenContext,
  operator,
  type RecordError,
  type SourceChunk,
  type SourcePosition,
  UserError,
} from '../../src/define/index.ts';
import { openBytes } from './lib/bytes.ts';
import { type Cells, plainCells, quotedCells } from './lib/csv-cells.ts';
import { CsvCutter, type Dialect, eachCsvRecord } from './lib/csv-records.ts';
import { FileReads } from './lib/file-reads.ts';
import { type FileKind, fileSource, plainName, resolveFiles, type SourceFile } from './lib/files.ts';
import { fromText } from './lib/from-text.ts';
import type { Kind } from './lib/infer.ts';
import { keyNames, type Layout, type LayoutParams, layoutOf } from './lib/layout.ts';
import { type Place, recordBlocks, START } from './lib/lines.ts';
import { checkLayout, DRIFT, layoutParams, pathParam } from './lib/params.ts';
import { lateField, Rows, shownRecord } from './lib/rows.ts';
import { type BlockMeta, filePosition, filesFrom } from './lib/source.ts';

const KIND: FileKind = { endings: ['.csv', '.tsv', '.tab'], what: 'CSV or TSV files' };

interface CsvParams extends LayoutParams {
  readonly delimiter?: string;
  readonly quote: string | false;
  readonly header: boolean;
}

interface CsvMeta extends BlockMeta {
  readonly header: readonly string[];
  readonly delimiter: string;
}

const delimiterOf = (p: CsvParams, file: SourceFile): string =>
  p.delimiter ?? (/\.(tsv|tab)$/i.test(plainName(file.path)) ? '\t' : ',');

const dialectOf = (p: CsvParams, delimiter: string): Dialect => ({
  delimiter: delimiter.charCodeAt(0),
  quote: p.quote === false ? -1 : p.quote.charCodeAt(0),
});

const quoteOf = (p: CsvParams): string | null => (p.quote === false ? null : p.quote);

/** The header of a file and where its rows start; undefined for an empty file. */
async function headerOf(
  p: CsvParams,
  file: SourceFile,
): Promise<{ header: string[]; start: Place } | undefined> {
  const delimiter = delimiterOf(p, file);
  const dialect = dialectOf(p, delimiter);
  for await (const block of recordBlocks(await openBytes(file), new CsvCutter(dialect), file.shown)) {
    const bytes = Buffer.from(block.raw.buffer);
    let first: { start: number; end: number; line: number } | undefined;
    eachCsvRecord(block.raw, block.line, dialect, (start, end, line) => {
      first ??= { start, end, line };
    });
    if (!first) continue;
    const text = bytes.toString('utf8', first.start, first.end);
    const [cells] = await quotedCells([text], delimiter, quoteOf(p));
    if ('wrong' in cells) throw new UserError(`${file.shown}:${first.line}: ${cells.wrong}`);
    if (!p.header) {
      const named = Object.keys(p.columns ?? {});
      const header = named.length > 0 ? named : cells.map((_, i) => `column${i + 1}`);
      return { header, start: START };
    }
    const header = cells.map((cell, i) => cell || `column${i + 1}`);
    const twice = header.find((c, i) => header.indexOf(c) !== i);
    if (twice !== undefined)
      throw new UserError(`${file.shown}:${first.line}: the header names "${twice}" twice`, {
        help: 'rename one, or read without header (header: false) and name the cells by columns',
      });
    const newline = bytes.indexOf(10, first.end);
    const end = newline < 0 ? block.raw.length : newline + 1;
    const lines = first.line + text.split('\n').length;
    const mark = block.end.offset - block.raw.length;
    return { header, start: { offset: mark + end, line: lines, record: 0 } };
  }
  return undefined;
}

async function csvLayout(p: CsvParams, files: readonly SourceFile[]): Promise<Layout> {
  let observed: Map<string, Kind> = new Map();
  for (const file of files) {
    const head = await headerOf(p, file);
    if (!head) continue;
    // cells are text; what else they hold is said by columns
    observed = new Map(head.header.map((name): [string, Kind] => [name, 'utf8']));
    for (const name of Object.keys(p.columns ?? {}))
      if (!observed.has(name))
        throw new UserError(
          `with.columns: ${file.shown} has no column "${name}"; its header is ${head.header.join(', ')}`,
        );
    break;
  }
  return layoutOf(p, observed, files[0].shown);
}

async function* scanCsv(
  p: CsvParams,
  files: readonly SourceFile[],
  ctx: OpenContext,
  from?: SourcePosition,
): AsyncGenerator<SourceChunk> {
  const at = filePosition(from);
  const reads = new FileReads();
  let unsaid = 0;
  for (const file of filesFrom(files, at)) {
    const head = await headerOf(p, file);
    if (!head) {
      unsaid += file.size;
      continue;
    }
    const place = at?.file === file.shown && at.offset > head.start.offset ? at : head.start;
    const delimiter = delimiterOf(p, file);
    const blocks = await openBytes(file, place.offset, reads);
    // the header counts as read with the first rows
    if (place === head.start && blocks.compression === 'none') unsaid += place.offset;
    let consumed = 0;
    for await (const block of recordBlocks(
      blocks,
      new CsvCutter(dialectOf(p, delimiter)),
      file.shown,
      place,
    )) {
      ctx.signal.throwIfAborted();
      const progress = blocks.consumed - consumed + unsaid;
      unsaid = 0;
      consumed = blocks.consumed;
      const { line, record } = block;
      yield {
        raw: block.raw,
        meta: {
          file: file.shown,
          name: file.name,
          line,
          record,
          header: head.header,
          delimiter,
        } satisfies Json,
        position: { file: file.shown, ...block.end },
        progress,
      };
    }
    unsaid += blocks.consumed - consumed;
  }
}

/** Decodes a block of records. @param places gets the line of each row */
async function decodeCsv(
  p: CsvParams,
  raw: Uint8Array,
  meta: CsvMeta,
  layout: Layout,
  warn: (message: string) => void,
  places?: number[],
): Promise<Decoded> {
  const { delimiter, header } = meta;
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const valid = isUtf8(raw);
  const quote = quoteOf(p);
  const texts: string[] = [];
  const lines: number[] = [];
  const cells: Cells[] = [];
  const odd: number[] = [];
  const errors: RecordError[] = [];
  eachCsvRecord(raw, meta.line, dialectOf(p, delimiter), (start, end, line) => {
    const text = bytes.toString('utf8', start, end);
    if (!valid && !isUtf8(raw.subarray(start, end))) {
      const message = 'the record is not valid UTF-8';
      errors.push({ where: `${meta.file}:${line}`, message, record: shownRecord(text) });
      return;
    }
    const plain = plainCells(text, delimiter, quote);
    if (!plain) odd.push(texts.length);
    cells.push(plain ?? []);
    texts.push(text);
    lines.push(line);
  });
  const read = await quotedCells(
    odd.map(i => texts[i]),
    delimiter,
    quote,
  );
  odd.forEach((at, i) => {
    cells[at] = read[i];
  });
  const rows = new Rows(layout, name => warn(lateField(name)), texts.length + 8, raw.length);
  const parse = fromText(layout);
  for (let i = 0; i < texts.length; i++) {
    const found = cells[i];
    const wrong = !Array.isArray(found)
      ? found.wrong
      : found.length !== header.length
        ? `found ${found.length} cells, wanted ${header.length} (${shownRecord(header.join(delimiter === '\t' ? ' | ' : delimiter)).slice(0, 200)})`
        : rows.push(parse(header, found), layout.made ? `${meta.name}#${lines[i]}` : '');
    if (wrong !== undefined)
      errors.push({ where: `${meta.file}:${lines[i]}`, message: wrong, record: shownRecord(texts[i]) });
    else places?.push(lines[i]);
  }
  return { batch: rows.finish(), errors };
}

const oneByte = (what: string) =>
  z
    .string()
    .refine(
      s => s.length === 1 && s < '\x80' && s !== '\n' && s !== '\r',
      `wanted one ASCII character as ${what}`,
    );

export const readCsv = operator({
  name: 'read.csv',
  version: 1,
  shape: 'source',
  summary: 'Reads CSV or TSV, plain or compressed (gzip, zstd, brotli).',
  description: `Cells are text, unless \`columns\` gives another type; an empty cell is '' in a text column and null in any other. Lists and json are JSON in a cell. A record with more or fewer cells than the header, or a quote that is not closed, is a row error. ${DRIFT} A key that no column gives is made from the file's name and the line.`,
  params: z.strictObject({
    path: pathParam('CSV or TSV files'),
    delimiter: oneByte('delimiter')
      .optional()
      .describe('what stands between cells; default: a tab in .tsv and .tab files, else a comma'),
    quote: z
      .union([z.literal(false), oneByte('quote')])
      .default('"')
      .describe(
        'what stands around cells that hold delimiters or newlines; false where quotes are plain text',
      ),
    header: z
      .boolean()
      .default(true)
      .describe(
        'whether the first record names the cells; false: the names are those of columns, in order, else column1, column2 ...',
      ),
    ...layoutParams,
  }),
  check: p => [
    ...checkLayout(p),
    ...(p.quote !== false && p.quote === p.delimiter ? ['with.quote: must differ from delimiter'] : []),
  ],
  key: p => keyNames(p.key),
  columns: async (p, ctx): Promise<Columns> =>
    (await csvLayout(p, await resolveFiles(p.path, ctx, KIND))).columns,
  examples: [
    {
      title: 'Quotes, a newline in a cell, and a typed column',
      with: { path: 'docs.csv', columns: { id: 'utf8', text: 'utf8', year: 'int32?' } },
      files: { 'docs.csv': 'id,text,year\n1,"one, ""two""\nthree",1999\n2,four,\n' },
      out: [
        { doc_id: '1', text: 'one, "two"\nthree', year: 1999 },
        { doc_id: '2', text: 'four', year: null },
      ],
    },
    {
      title: 'TSV',
      with: { path: 'questions.tsv', key: 'question_id' },
      files: { 'questions.tsv': 'question_id\tquestion\nq1\twho?\n' },
      out: [{ question_id: 'q1', question: 'who?' }],
    },
  ],
  open: async (p, ctx) => {
    const files = await resolveFiles(p.path, ctx, KIND);
    const layout = await csvLayout(p, files);
    return {
      ...fileSource(files, (some, from) => scanCsv(p, some, ctx, from)),
      decode: (raw: Uint8Array, meta: Json) =>
        decodeCsv(p, raw, meta as unknown as CsvMeta, layout, ctx.warn),
      linesOf: async (raw: Uint8Array, meta: Json) => {
        const lines: number[] = [];
        await decodeCsv(p, raw, meta as unknown as CsvMeta, layout, () => undefined, lines);
        return lines;
      },
    };
  },
});
