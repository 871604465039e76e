import { ByteReader, ByteWriter } from './bytes.ts';
import type { StoredColumn, StoredField } from './columns.ts';
import { IndexError } from './errors.ts';
import { compress, compressBound, Decompressor } from './lz4.ts';
import type { Section, SectionFile, SectionWriter } from './section-file.ts';

/** Raw bytes of a compressed block: on average half of them are unpacked for one hit's row. */
const BLOCK_BYTES = 32 << 10;
/** Bytes of the longest length. */
const MAX_VARINT = 5;
const BLOCK_ROWS = 4096;

export type StoredValue = string | number | boolean | null;

/**
 * Collects one stored column row by row and writes it as sections. Strings are cut into blocks of about
 * 32 KiB (lengths as varints, 0 for null, else length + 1, then bytes), each compressed on its own (its raw length as a varint, then LZ4); numbers
 * are plain arrays with a null mark a row where there are nulls.
 */
export abstract class ColumnWriter {
  rows = 0;
  abstract get memoryBytes(): number;
  abstract append(column: StoredColumn, row: number): void;
  /** Appends `rows` rows of another segment's column; `live[r]` of a row to keep is its new row, else -1. */
  abstract appendFrom(reader: ColumnReader, live: Int32Array): void;
  /** Writes from now on what is appended, so that a large column need not fit memory; `write` ends it. */
  begin(_out: SectionWriter, _prefix: string): void {}
  abstract write(out: SectionWriter, prefix: string): void;
}

export function columnWriter(field: StoredField): ColumnWriter {
  return field.type === 'utf8' ? new TextColumnWriter() : new NumberColumnWriter(field.type);
}

export class TextColumnWriter extends ColumnWriter {
  /** Compressed blocks, each an array of its own: one that grows would leave its former ones as garbage. */
  private blocks: Uint8Array[] = [];
  private bytes = 0;
  private readonly packed = new ByteWriter(BLOCK_BYTES);
  private firstRow: number[] = [];
  private offsets: number[] = [];
  private readonly lengths = new ByteWriter(4096);
  private readonly text = new ByteWriter(BLOCK_BYTES * 2);
  private pending = 0;
  /** A block before it is compressed. */
  private scratch: Uint8Array = new Uint8Array(0);
  /** Where blocks go once `begin` was called. */
  private out: SectionWriter | undefined;

  get memoryBytes(): number {
    return this.bytes + this.packed.bytes.length + this.text.bytes.length + this.firstRow.length * 128;
  }

  append(column: StoredColumn, row: number): void {
    if (column.type !== 'utf8') throw new TypeError('wanted a utf8 column');
    if (column.nulls?.[row] === 1) this.add(undefined, 0, 0);
    else this.add(column.bytes, column.offsets[row], column.offsets[row + 1]);
  }

  add(bytes: Uint8Array | undefined, start: number, end: number): void {
    if (bytes === undefined) this.lengths.varint(0);
    else {
      this.lengths.varint(end - start + 1);
      this.text.put(bytes, start, end);
    }
    this.rows++;
    this.pending++;
    if (this.text.length >= BLOCK_BYTES || this.pending >= BLOCK_ROWS) this.flush();
  }

  appendFrom(reader: ColumnReader, live: Int32Array): void {
    if (!(reader instanceof TextColumnReader)) throw new TypeError('wanted a utf8 column');
    for (let b = 0; b < reader.blocks; b++) {
      const [from, to] = reader.rowsOf(b);
      let keep = 0;
      for (let r = from; r < to; r++) if (live[r] >= 0) keep++;
      if (keep === 0) continue;
      if (keep === to - from) {
        // Every row lives: the compressed block moves as it is.
        this.flush();
        this.keep(reader.compressed(b, this.packed), this.rows);
        this.rows += keep;
        continue;
      }
      const block = reader.block(b).all();
      for (let r = from; r < to; r++) {
        if (live[r] < 0) continue;
        const i = r - from;
        if (block.nulls[i] === 1) this.add(undefined, 0, 0);
        else this.add(block.bytes, block.offsets[i], block.offsets[i + 1]);
      }
    }
  }

  override begin(out: SectionWriter, prefix: string): void {
    out.begin(`${prefix}.data`);
    this.out = out;
  }

  write(out: SectionWriter, prefix: string): void {
    this.flush();
    if (this.out === undefined) this.begin(out, prefix);
    for (const block of this.blocks) out.write(block);
    out.end();
    out.section(`${prefix}.rows`, Uint32Array.from([...this.firstRow, this.rows]));
    out.section(`${prefix}.offsets`, Float64Array.from([...this.offsets, this.bytes]));
  }

  rowsWith(wanted: ReadonlySet<string>): Set<number> {
    this.flush();
    const rows = new Set<number>();
    for (let b = 0; b < this.firstRow.length; b++) {
      const from = this.firstRow[b];
      const to = this.firstRow[b + 1] ?? this.rows;
      const block = new TextBlock(this.blocks[b], to - from);
      for (const i of matching(block, wanted)) rows.add(from + i);
    }
    return rows;
  }

  private flush(): void {
    if (this.pending === 0) return;
    const { packed } = this;
    const size = this.lengths.length + this.text.length;
    if (this.scratch.length < size) this.scratch = new Uint8Array(size);
    const raw = this.scratch.subarray(0, size);
    raw.set(this.lengths.view(), 0);
    raw.set(this.text.view(), this.lengths.length);
    packed.reset();
    packed.varint(raw.length);
    packed.reserve(compressBound(raw.length));
    packed.length = compress(raw, packed.bytes, packed.length);
    this.keep(packed.view(), this.rows - this.pending);
    this.lengths.reset();
    this.text.reset();
    this.pending = 0;
  }

  /** Takes a compressed block of the rows from `row` on; the bytes are copied. */
  private keep(block: Uint8Array, row: number): void {
    this.firstRow.push(row);
    this.offsets.push(this.bytes);
    this.bytes += block.length;
    if (this.out === undefined) this.blocks.push(block.slice());
    else this.out.write(block);
  }
}

class NumberColumnWriter extends ColumnWriter {
  private values: Int32Array | Float64Array | Uint8Array;
  private nulls: Uint8Array | undefined;

  constructor(type: 'int32' | 'float64' | 'bool') {
    super();
    this.values =
      type === 'int32'
        ? new Int32Array(1024)
        : type === 'float64'
          ? new Float64Array(1024)
          : new Uint8Array(1024);
  }

  get memoryBytes(): number {
    return this.values.byteLength + (this.nulls?.length ?? 0);
  }

  append(column: StoredColumn, row: number): void {
    if (column.type === 'utf8') throw new TypeError('wanted a column of numbers');
    this.add(column.values[row], column.nulls?.[row] === 1);
  }

  appendFrom(reader: ColumnReader, live: Int32Array): void {
    if (!(reader instanceof NumberColumnReader)) throw new TypeError('wanted a column of numbers');
    for (let r = 0; r < live.length; r++)
      if (live[r] >= 0) this.add(reader.values[r], reader.nulls?.[r] === 1);
  }

  write(out: SectionWriter, prefix: string): void {
    out.section(`${prefix}.values`, this.values.subarray(0, this.rows));
    if (this.nulls !== undefined) out.section(`${prefix}.nulls`, this.nulls.subarray(0, this.rows));
  }

  private add(value: number, isNull: boolean): void {
    if (this.rows === this.values.length) {
      const grown =
        this.values instanceof Int32Array
          ? new Int32Array(this.rows * 2)
          : this.values instanceof Float64Array
            ? new Float64Array(this.rows * 2)
            : new Uint8Array(this.rows * 2);
      grown.set(this.values);
      this.values = grown;
    }
    if (isNull) {
      if (this.nulls === undefined || this.nulls.length <= this.rows) {
        const grown = new Uint8Array(this.values.length);
        if (this.nulls !== undefined) grown.set(this.nulls);
        this.nulls = grown;
      }
      this.nulls[this.rows] = 1;
    } else if (this.nulls !== undefined && this.nulls.length <= this.rows) {
      const grown = new Uint8Array(this.values.length);
      grown.set(this.nulls);
      this.nulls = grown;
    }
    this.values[this.rows++] = isNull ? 0 : value;
  }
}

export interface ColumnReader {
  /** The value of one row. */
  value(row: number): StoredValue;
}

export function columnReader(file: SectionFile, field: StoredField, prefix: string): ColumnReader {
  if (field.type === 'utf8') return new TextColumnReader(file, prefix);
  return new NumberColumnReader(file, field.type, prefix);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** One block, unpacked as far as was asked for. */
class TextBlock {
  readonly nulls: Uint8Array;
  /** Where each string begins in `bytes`, and the end. */
  readonly offsets: Uint32Array;
  /** The strings, good up to what `string` or `all` unpacked. */
  readonly bytes: Uint8Array;
  private readonly packed: Decompressor;
  private readonly start: number;

  /** Throws RangeError where the block is not sound. */
  constructor(compressed: Uint8Array, rows: number) {
    const header = new ByteReader(compressed);
    const raw = new Uint8Array(header.varint());
    this.packed = new Decompressor(compressed.subarray(header.at), raw);
    this.packed.upTo(Math.min(raw.length, rows * MAX_VARINT));
    const reader = new ByteReader(raw);
    this.offsets = new Uint32Array(rows + 1);
    this.nulls = new Uint8Array(rows);
    for (let i = 0; i < rows; i++) {
      const code = reader.varint();
      if (code === 0) this.nulls[i] = 1;
      this.offsets[i + 1] = this.offsets[i] + Math.max(0, code - 1);
    }
    this.start = reader.at;
    this.bytes = raw.subarray(reader.at);
  }

  /** The bytes of a string. */
  string(i: number): Uint8Array {
    this.packed.upTo(this.start + this.offsets[i + 1]);
    return this.bytes.subarray(this.offsets[i], this.offsets[i + 1]);
  }

  /** The block with all strings good. */
  all(): this {
    this.packed.upTo(this.start + this.bytes.length);
    return this;
  }
}

/** Places in a block whose string is wanted. */
function* matching(block: TextBlock, wanted: ReadonlySet<string>): Generator<number> {
  const { bytes, offsets, nulls } = block.all();
  for (let i = 0; i < nulls.length; i++) {
    if (nulls[i] === 0 && wanted.has(decoder.decode(bytes.subarray(offsets[i], offsets[i + 1])))) yield i;
  }
}

/** Decompressed blocks a column keeps: neighbouring hits often share one. */
const KEPT_BLOCKS = 64;

export class TextColumnReader implements ColumnReader {
  private readonly file: SectionFile;
  private readonly section: Section;
  private readonly firstRow: Uint32Array;
  private readonly offsets: Float64Array;
  private readonly kept = new Map<number, TextBlock>();

  constructor(file: SectionFile, prefix: string) {
    this.file = file;
    this.section = file.find(`${prefix}.data`);
    this.firstRow = new Uint32Array(file.load(`${prefix}.rows`).slice().buffer);
    this.offsets = new Float64Array(file.load(`${prefix}.offsets`).slice().buffer);
  }

  get blocks(): number {
    return this.firstRow.length - 1;
  }

  rowsOf(block: number): [number, number] {
    return [this.firstRow[block], this.firstRow[block + 1]];
  }

  /** The bytes of a block, in `into`, whose bytes they replace. */
  compressed(block: number, into: ByteWriter): Uint8Array {
    into.reset();
    into.reserve(this.offsets[block + 1] - this.offsets[block]);
    into.length = this.offsets[block + 1] - this.offsets[block];
    this.file.readAt(this.section, this.offsets[block], into.view());
    return into.view();
  }

  block(block: number): TextBlock {
    const kept = this.kept.get(block);
    if (kept !== undefined) return kept;
    const [from, to] = this.rowsOf(block);
    // a block unpacks itself as it is read, so its bytes are its own
    const bytes = this.compressed(block, new ByteWriter(0));
    const opened = this.sound(() => new TextBlock(bytes, to - from));
    if (this.kept.size >= KEPT_BLOCKS) this.kept.delete(this.kept.keys().next().value as number);
    this.kept.set(block, opened);
    return opened;
  }

  /** Rows whose string is wanted. */
  rowsWith(wanted: ReadonlySet<string>): Set<number> {
    const rows = new Set<number>();
    for (let b = 0; b < this.blocks; b++) {
      for (const i of matching(this.block(b), wanted)) rows.add(this.firstRow[b] + i);
    }
    return rows;
  }

  value(row: number): StoredValue {
    let low = 0;
    let high = this.blocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.firstRow[middle] <= row) low = middle;
      else high = middle - 1;
    }
    const block = this.block(low);
    const i = row - this.firstRow[low];
    return block.nulls[i] === 1 ? null : decoder.decode(this.sound(() => block.string(i)));
  }

  private sound<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof IndexError) throw error;
      const { path } = this.file;
      throw new IndexError('corrupt', `${path}: ${this.section.name}: ${(error as Error).message}`, path);
    }
  }
}

export class NumberColumnReader implements ColumnReader {
  readonly values: Int32Array | Float64Array | Uint8Array;
  readonly nulls: Uint8Array | undefined;
  private readonly bool: boolean;

  constructor(file: SectionFile, type: 'int32' | 'float64' | 'bool', prefix: string) {
    const bytes = file.load(`${prefix}.values`).slice();
    this.bool = type === 'bool';
    this.values =
      type === 'int32'
        ? new Int32Array(bytes.buffer)
        : type === 'float64'
          ? new Float64Array(bytes.buffer)
          : bytes;
    this.nulls = file.names(prefix).includes(`${prefix}.nulls`) ? file.load(`${prefix}.nulls`) : undefined;
  }

  value(row: number): StoredValue {
    if (this.nulls?.[row] === 1) return null;
    return this.bool ? this.values[row] !== 0 : this.values[row];
  }
}
