/** Spans of a text that is cleaned: columns of starts with ends or texts, single values or lists, moved along. */

import type { RecordBatch } from 'apache-arrow';
import { type Data, DataType, type List, makeData } from 'apache-arrow';
import {
  type Columns,
  columnData,
  concatData,
  dataOf,
  isNull,
  typeName,
  Utf8Builder,
  Utf8View,
  Validity,
} from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';

/** Where a span of the text starts, and either where it ends or what it says. */
export interface SpanColumns {
  start: string;
  end?: string | undefined;
  text?: string | undefined;
}

/** @throws UserError where the columns of a span are not of types that go together. */
export function checkSpans(spans: readonly SpanColumns[], input: Columns): void {
  spans.forEach((span, i) => {
    const other = (span.end ?? span.text) as string;
    const [start, second] = [input[span.start]?.type, input[other]?.type];
    if (!start || !second) return;
    const list = DataType.isList(start);
    const wanted = (type: DataType, item: (t: DataType) => boolean): boolean =>
      list ? DataType.isList(type) && item(type.children[0].type) : item(type);
    const int = (t: DataType): boolean => DataType.isInt(t) && t.bitWidth === 32;
    if (!wanted(start, int) || !wanted(second, span.end === undefined ? t => DataType.isUtf8(t) : int))
      throw new UserError(
        `with.spans[${i}]: "${span.start}" is ${typeName(start)} and "${other}" ${typeName(second)}; wanted Int32 and ${span.end === undefined ? 'Utf8' : 'Int32'}, or lists of them`,
      );
  });
}

/** One batch's values of a span's two columns; lists are seen as the values that the batch's rows hold. */
export class SpanValues {
  readonly #names: SpanColumns;
  readonly #start: Data;
  readonly #other: Data;
  readonly #lists: boolean;
  readonly #startItems: Data;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array | undefined;
  readonly #old: Utf8View | undefined;
  readonly #texts: Utf8Builder | undefined;

  constructor(batch: RecordBatch, names: SpanColumns) {
    this.#names = names;
    this.#start = columnData(batch, names.start);
    this.#other = columnData(batch, (names.end ?? names.text) as string);
    this.#lists = DataType.isList(this.#start.type);
    this.#startItems = values(this.#start);
    this.#starts = Int32Array.from(this.#startItems.values as Int32Array);
    const other = values(this.#other);
    if (names.end !== undefined) this.#ends = Int32Array.from(other.values as Int32Array);
    else {
      this.#old = new Utf8View(other);
      this.#texts = new Utf8Builder(other.length, other.length * 24);
    }
  }

  /** The range of values that a row of a column has; none for a null list. */
  #items(data: Data, row: number): [number, number] {
    if (!this.#lists) return [row, row + 1];
    const first = data.valueOffsets[0];
    return [data.valueOffsets[row] - first, data.valueOffsets[row + 1] - first];
  }

  /**
   * Moves the spans of a row. Rows come in order, each once.
   * @param old the text before. @param text the text after. @param move where a place of it is after.
   * @param clean cleans a text by itself: for one that is not what stands at its start.
   * @throws UserError where there are not as many starts as ends or texts (none at all is fine).
   */
  row(
    row: number,
    old: string,
    text: string,
    move: ((at: number) => number) | undefined,
    clean: (t: string) => string,
  ): void {
    const [from, to] = this.#items(this.#start, row);
    const [from2, to2] = this.#items(this.#other, row);
    const [count, count2] = [to - from, to2 - from2];
    if (count !== count2 && count > 0 && count2 > 0)
      throw new UserError(
        `column "${this.#names.start}" has ${count} items and "${this.#names.end ?? this.#names.text}" has ${count2}; wanted as many`,
      );
    for (let i = 0; i < count || i < count2; i++) {
      // a start that is null or below 0 says that there is no span
      const start = i < count && !isNull(this.#startItems, from + i) ? this.#starts[from + i] : -1;
      if (i < count2) this.#second(from2 + i, start, old, text, move, clean);
      if (move && start >= 0) this.#starts[from + i] = move(start);
    }
  }

  /** Moves an end, or gives what stands in the place of a text. */
  #second(
    i: number,
    start: number,
    old: string,
    text: string,
    move: ((at: number) => number) | undefined,
    clean: (t: string) => string,
  ): void {
    if (this.#ends) {
      if (move && this.#ends[i] >= 0) this.#ends[i] = move(this.#ends[i]);
    } else if (this.#old && this.#texts) {
      if (this.#old.isNull(i)) {
        this.#texts.pushNull();
        return;
      }
      const said = this.#old.get(i);
      if (start < 0 || said === '' || !old.startsWith(said, start)) this.#texts.push(clean(said));
      else this.#texts.push(move ? text.slice(move(start), move(start + said.length)) : said);
    }
  }

  columns(): Record<string, Data> {
    const int = (data: Data, values: Int32Array): Data => this.#like(data, intData(data, values));
    const out: Record<string, Data> = { [this.#names.start]: int(this.#start, this.#starts) };
    if (this.#names.end !== undefined && this.#ends) out[this.#names.end] = int(this.#other, this.#ends);
    if (this.#names.text !== undefined && this.#texts)
      out[this.#names.text] = this.#like(this.#other, this.#texts.finish());
    return out;
  }

  /** New values in the lists of the old column, or as they are. */
  #like(old: Data, items: Data): Data {
    if (!this.#lists) return items;
    const rows = old.length;
    const validity = new Validity(rows);
    for (let i = 0; i < rows; i++) validity.set(i, !isNull(old, i));
    return makeData({
      type: old.type as List,
      length: rows,
      nullCount: validity.nulls,
      nullBitmap: validity.finish(rows),
      valueOffsets: Int32Array.from(
        { length: rows + 1 },
        (_, i) => old.valueOffsets[i] - old.valueOffsets[0],
      ),
      child: items,
    });
  }
}

/** The values of a column, or of the items of its lists that its rows hold. */
function values(data: Data): Data {
  if (!DataType.isList(data.type)) return data;
  const [from, to] = [data.valueOffsets[0], data.valueOffsets[data.length]];
  return concatData([data.children[0].slice(from, to - from)]);
}

/** Numbers with the nulls that the column they come from has. */
function intData(old: Data, numbers: Int32Array): Data {
  const source = values(old);
  const type = source.type;
  const plain =
    source.nullCount === 0 ? numbers : Array.from(numbers, (n, i) => (isNull(source, i) ? null : n));
  return dataOf(type, plain as readonly unknown[]);
}
