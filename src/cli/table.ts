/** Tables and numbers as the command line prints them. */
import { type TableColumn, textTable } from '../metrics/table.ts';

/** A column by its title; numbers are set to the right. */
export const right = (header: string): TableColumn => ({ header, align: 'right' });
export const left = (header: string): TableColumn => ({ header, align: 'left' });

/**
 * Lines of a table: titles, unless all are empty, then rows. Cells may hold colour escapes.
 * @param indent spaces before every line; @param title how titles are set off
 */
export function tableLines(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: { indent?: number; title?: (text: string) => string } = {},
): string[] {
  const { indent = 0, title = text => text } = options;
  const [head, ...body] = textTable(columns, rows, { rule: false }).split('\n');
  const lead = ' '.repeat(indent);
  const titled = columns.some(c => c.header !== '');
  return [...(titled ? [lead + title(head)] : []), ...body.map(line => (lead + line).trimEnd())];
}

/** A count for people: `1,234,567`. */
export const count = (n: number): string => Math.round(n).toLocaleString('en-US');

/** A count and its unit: `1 row`, `2 rows`. */
export const counted = (n: number, unit: string, units = `${unit}s`): string =>
  `${count(n)} ${n === 1 ? unit : units}`;

/** A share as a whole per cent. */
export const percent = (share: number): string => `${Math.round(share * 100)}%`;
