/** Where CSV records end: a newline outside quotes. A field is quoted where its first byte that is no blank is a quote. */
import type { Cutter } from './lines.ts';

/** Delimiter and quote as bytes; quote -1 where the file has none. */
export interface Dialect {
  readonly delimiter: number;
  readonly quote: number;
}

const FIELD_START = 0;
const PLAIN = 1;
const QUOTED = 2;
// after a quote inside quotes: the end of the field, or the first of a pair
const QUOTE = 3;

/** The state after byte `b`. */
function next(state: number, b: number, { delimiter, quote }: Dialect): number {
  switch (state) {
    case QUOTED:
      return b === quote ? QUOTE : QUOTED;
    case QUOTE:
      return b === quote ? QUOTED : b === delimiter || b === 10 ? FIELD_START : PLAIN;
    case FIELD_START:
      if (b === quote) return QUOTED;
      return b === delimiter || b === 10 || b === 32 || (b === 9 && delimiter !== 9) ? FIELD_START : PLAIN;
    default:
      return b === delimiter || b === 10 ? FIELD_START : PLAIN;
  }
}

/** Follows CSV records through blocks. */
export class CsvCutter implements Cutter {
  lines = 0;
  records = 0;
  readonly #dialect: Dialect;
  #state = FIELD_START;
  #seen = 0;
  #open = false;
  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }
  feed(bytes: Uint8Array, from: number, to: number): number {
    const dialect = this.#dialect;
    const { delimiter, quote } = dialect;
    let state = this.#state;
    let last = -1;
    for (let i = from; i < to; i++) {
      let b = bytes[i];
      // tight loops over what cannot change the state
      if (state === QUOTED) {
        while (b !== quote) {
          if (b === 10) this.#seen++;
          if (++i >= to) break;
          b = bytes[i];
        }
        if (i < to) state = QUOTE;
        continue;
      }
      if (state === PLAIN) {
        while (b !== delimiter && b !== 10) {
          if (++i >= to) break;
          b = bytes[i];
        }
        if (i >= to) break;
      }
      if (b === 10) {
        last = i + 1;
        this.lines = ++this.#seen;
        this.records++;
      }
      state = next(state, b, dialect);
    }
    this.#state = state;
    this.#open = last < 0 ? this.#open || to > from : last < to;
    return last;
  }
  finish(): void {
    if (!this.#open) return;
    this.lines = this.#seen + 1;
    this.records++;
  }
}

/** One record: its bytes without the line end, and the line it starts in. */
export type UseRecord = (start: number, end: number, line: number) => void;

/** Calls back with each record of a block; blank lines are passed over. */
export function eachCsvRecord(raw: Uint8Array, line: number, dialect: Dialect, use: UseRecord): void {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const give = (start: number, end: number, at: number): void => {
    const stop = end > start && raw[end - 1] === 13 ? end - 1 : end;
    if (stop > start) use(start, stop, at);
  };
  let quote = dialect.quote < 0 ? -1 : bytes.indexOf(dialect.quote);
  for (let start = 0, at = line; start < raw.length; ) {
    let end = bytes.indexOf(10, start);
    if (end < 0) end = raw.length;
    if (quote >= 0 && quote < start) quote = bytes.indexOf(dialect.quote, start);
    const quoted = quote >= 0 && quote < end;
    let lines = 1;
    if (quoted) {
      let state = FIELD_START;
      for (end = start; end < raw.length; end++) {
        let b = raw[end];
        if (state === QUOTED) {
          while (b !== dialect.quote && ++end < raw.length) {
            if (b === 10) lines++;
            b = raw[end];
          }
          state = QUOTE;
          continue;
        }
        if (b === 10) break;
        state = next(state, b, dialect);
      }
      if (end > raw.length) end = raw.length;
    }
    give(start, end, at);
    start = end + 1;
    at += lines;
  }
}
