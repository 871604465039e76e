import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, isNull } from '../../src/arrow/index.ts';
import { operator, writesPath } from '../../src/define/index.ts';
import { openBytes } from '../read/lib/bytes.ts';
import { parseCsv } from '../read/lib/csv-cells.ts';
import { CsvCutter, type Dialect, eachCsvRecord } from '../read/lib/csv-records.ts';
import { recordBlocks } from '../read/lib/lines.ts';
import { ByteBuffer, float32Text } from './bytes.ts';
import { checkWritable, jsonPutter } from './json.ts';
import { fileSink, type Rewrite } from './sink.ts';
import { publishFile, type Target } from './target.ts';

const QUOTE = 34;

/** Appends text as a cell: quoted where it holds a delimiter, a quote, a line end, or blanks at its ends. */
function putCell(out: ByteBuffer, source: Uint8Array, start: number, end: number, delimiter: number): void {
  let quoted = end > start && (source[start] <= 32 || source[end - 1] <= 32);
  for (let i = start; i < end && !quoted; i++) {
    const b = source[i];
    quoted = b === delimiter || b === QUOTE || b === 10 || b === 13;
  }
  out.room((end - start) * 2 + 2);
  if (!quoted) {
    out.put(source.subarray(start, end));
    return;
  }
  const bytes = out.bytes;
  let at = out.used;
  bytes[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    const b = source[i];
    if (b === QUOTE) bytes[at++] = QUOTE;
    bytes[at++] = b;
  }
  bytes[at++] = QUOTE;
  out.used = at;
}

function cellPutter(out: ByteBuffer, data: Data, delimiter: number): (row: number) => void {
  const { type, values } = data;
  if (DataType.isUtf8(type)) {
    const offsets = data.valueOffsets as Int32Array;
    return row => putCell(out, values, offsets[row], offsets[row + 1], delimiter);
  }
  if (DataType.isFloat(type)) {
    const text = type.precision === 1 ? float32Text : String;
    return row => out.ascii(text(values[row]));
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const json = new ByteBuffer(1024);
    const { put } = jsonPutter(json, data);
    return row => {
      put(row);
      const bytes = json.take();
      putCell(out, bytes, 0, bytes.length, delimiter);
    };
  }
  return jsonPutter(out, data).put;
}

function putRows(out: ByteBuffer, batch: RecordBatch, delimiter: number): void {
  const datas = batch.data.children;
  const puts = datas.map(d => cellPutter(out, d, delimiter));
  for (let row = 0; row < batch.numRows; row++) {
    for (let c = 0; c < datas.length; c++) {
      if (c > 0) out.byte(delimiter);
      if (datas[c].nullCount === 0 || !isNull(datas[c], row)) puts[c](row);
    }
    // a row of one empty cell must not read as a blank line
    if (datas.length === 1 && (out.used === 0 || out.bytes[out.used - 1] === 10)) out.ascii('""');
    out.byte(10);
  }
}

function putHeader(out: ByteBuffer, names: readonly string[], delimiter: number): void {
  names.forEach((name, i) => {
    if (i > 0) out.byte(delimiter);
    const bytes = Buffer.from(name);
    putCell(out, bytes, 0, bytes.length, delimiter);
  });
  out.byte(10);
}

/** The value that a cell was written from, for a comparison of keys. */
function ofText(text: string | undefined, type: DataType | undefined): unknown {
  if (text === undefined || type === undefined || DataType.isUtf8(type)) return text;
  if (text === '') return null;
  return DataType.isBool(type) ? text === 'true' : Number(text);
}

const rewriteCsv =
  (columns: Columns, header: boolean, delimiter: string): Rewrite =>
  async (from: Target, to: Target, deletes) => {
    const dialect: Dialect = { delimiter: delimiter.charCodeAt(0), quote: QUOTE };
    const names = Object.keys(columns);
    let record = header ? -1 : 0;
    let kept = 0;
    for await (const block of recordBlocks(
      await openBytes(from.file),
      new CsvCutter(dialect),
      from.file.shown,
    )) {
      const bytes = Buffer.from(block.raw.buffer);
      const pieces: [number, number][] = [];
      eachCsvRecord(block.raw, block.line, dialect, (start, end) => {
        pieces.push([start, end]);
      });
      const rows = await parseCsv(bytes.toString('utf8'), delimiter, '"');
      for (const [i, [start, end]] of pieces.entries()) {
        const row = record++;
        const value = (name: string): unknown => ofText(rows[i][names.indexOf(name)], columns[name]?.type);
        if (row >= 0 && deletes.drops(row, value)) continue;
        if (row >= 0) kept++;
        await to.write(bytes.subarray(start, end));
        await to.write(Buffer.from('\n'));
      }
    }
    return kept;
  };

export const writeCsv = operator({
  name: 'write.csv',
  version: 1,
  shape: 'sink',
  summary: 'Writes rows as CSV or TSV with a header.',
  description:
    'Cells are quoted where they hold a delimiter, a quote, a line end, or blanks at either end; lines end in LF. Nulls are empty cells, lists are JSON, floats are the shortest text that reads back as the same number. A path that ends in `.gz`, `.br` or (where Node can) `.zst` is compressed. The file appears whole when the run commits, and not at all when it fails.',
  params: z.strictObject({
    path: z.string().min(1).describe('file to write; .gz, .br or .zst compresses it').meta(writesPath()),
    delimiter: z
      .enum([',', '\t', ';', '|'])
      .optional()
      .describe('what stands between cells; default: a tab where the path ends in .tsv, else a comma'),
    header: z.boolean().default(true).describe('whether the first line names the columns'),
  }),
  reads: () => ({}),
  examples: [
    {
      title: 'A list and a null',
      with: { path: 'out/rows.csv' },
      in: [
        { question_id: 'q1', question: 'who, me?', answers: ['A "b"'], score: 0.5 },
        { question_id: 'q2', question: 'what?', answers: [], score: null },
      ],
      columns: { question_id: 'utf8', question: 'utf8', answers: 'list<utf8>', score: 'float64?' },
      written: {
        'out/rows.csv':
          'question_id,question,answers,score\nq1,"who, me?","[""A \\""b\\""""]",0.5\nq2,what?,[],\n',
      },
    },
  ],
  open: async (p, ctx) => {
    const columns = ctx.inputs[0] ?? {};
    checkWritable(columns, 'CSV');
    const names = Object.keys(columns);
    const delimiter = p.delimiter ?? (/\.tsv(\.(gz|br|zst))?$/i.test(p.path) ? '\t' : ',');
    const byte = delimiter.charCodeAt(0);
    const out = new ByteBuffer();
    return fileSink(
      p.path,
      ctx,
      () => ({
        start: async target => {
          if (!p.header) return;
          putHeader(out, names, byte);
          await target.write(out.take());
        },
        rows: async (batch, target) => {
          for (let start = 0; start < batch.numRows; start += 1024) {
            putRows(out, batch.numRows <= 1024 ? batch : batch.slice(start, start + 1024), byte);
            await target.write(out.take());
          }
        },
      }),
      rewriteCsv(columns, p.header, delimiter),
    );
  },
  publish: (p, token, ctx) => publishFile(p.path, token, ctx),
});
