import { type ColumnReader, TextColumnReader } from './stored.ts';

/** What a segment of any kind has of its stored columns. */
interface Stored {
  column(name: string): ColumnReader | undefined;
  /** Of each document, its row in the columns. */
  readonly rows: Uint32Array;
}

/** The documents of a segment whose value in a stored utf8 column is wanted, deleted ones included, ascending. */
export function documentsWith(segment: Stored, column: string, wanted: ReadonlySet<string>): number[] {
  const reader = segment.column(column);
  const documents: number[] = [];
  if (!(reader instanceof TextColumnReader)) return documents;
  const matching = reader.rowsWith(wanted);
  if (matching.size === 0) return documents;
  const { rows } = segment;
  for (let doc = 0; doc < rows.length; doc++) if (matching.has(rows[doc])) documents.push(doc);
  return documents;
}
