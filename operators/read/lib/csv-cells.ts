/**
 * Cells of CSV records. Records that are plainly sound are cut here, ten times as fast; all others (blanks around
 * quotes, quotes inside plain cells, lone carriage returns, broken ones) are fast-csv's to read or to refuse.
 */
import { parseString } from 'fast-csv';
import { shownRecord } from './rows.ts';

/** Parses text of whole records. @throws Error with fast-csv's words. */
export const parseCsv = (text: string, delimiter: string, quote: string | null): Promise<string[][]> =>
  new Promise((resolve, reject) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(text, { headers: false, delimiter, quote })
      .on('data', (row: string[]) => rows.push(row))
      .on('error', reject)
      .on('end', () => resolve(rows));
  });

/** Cells of one record, or what is wrong with it. */
export type Cells = string[] | { readonly wrong: string };

/** The cells of a record that is plainly sound, else undefined. */
export function plainCells(text: string, delimiter: string, quote: string | null): string[] | undefined {
  const cells: string[] = [];
  for (let at = 0; ; ) {
    let end: number;
    if (quote !== null && text[at] === quote) {
      let close = text.indexOf(quote, at + 1);
      let doubled = false;
      while (close >= 0 && text[close + 1] === quote) {
        doubled = true;
        close = text.indexOf(quote, close + 2);
      }
      if (close < 0) return undefined;
      const cell = text.slice(at + 1, close);
      cells.push(doubled ? cell.replaceAll(quote + quote, quote) : cell);
      end = close + 1;
      if (end < text.length && text[end] !== delimiter) return undefined;
    } else {
      end = text.indexOf(delimiter, at);
      if (end < 0) end = text.length;
      const cell = text.slice(at, end);
      if ((quote !== null && cell.includes(quote)) || cell.includes('\r')) return undefined;
      cells.push(cell);
    }
    if (end >= text.length) return cells;
    at = end + 1;
  }
}

const oneRow = async (text: string, delimiter: string, quote: string | null): Promise<Cells> => {
  try {
    const rows = await parseCsv(text, delimiter, quote);
    return rows.length === 1 ? rows[0] : { wrong: 'a lone carriage return in the record: quote the field' };
  } catch (error) {
    // fast-csv repeats the rest of its input
    const message = (error as Error).message.replace(/^Parse Error: /, '').replace(/ at '[\s\S]*$/, '');
    return {
      wrong: /missing closing/.test(message)
        ? 'a quote is opened and not closed'
        : `not CSV: ${shownRecord(message)}`,
    };
  }
};

/** Cells of records that hold quotes. One pass where all are sound, else each by itself to name those that are not. */
export async function quotedCells(
  texts: readonly string[],
  delimiter: string,
  quote: string | null,
): Promise<Cells[]> {
  if (texts.length === 0) return [];
  try {
    const rows = await parseCsv(`${texts.join('\n')}\n`, delimiter, quote);
    if (rows.length === texts.length) return rows;
  } catch {
    // found below
  }
  const cells: Cells[] = [];
  for (const text of texts) cells.push(await oneRow(text, delimiter, quote));
  return cells;
}
