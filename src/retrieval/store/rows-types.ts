/** Indexes whose rows are a key, stored columns and some bytes of their own (a vector, token codes): shared types. */
import type { StoredColumn, StoredField, TextColumn } from '../sparse/columns.ts';
import type { AnyManifest } from './generations.ts';

/** Rows to index: keys, stored columns, and what the index itself holds of each row. */
export interface KeyedRows {
  readonly rows: number;
  /** Unique and not null; adding a key again replaces the row. */
  readonly key: TextColumn;
  readonly stored: Record<string, StoredColumn>;
}

export interface RowsSegmentEntry {
  file: string;
  bytes: number;
  /** Documents in the file, deleted ones included. */
  documents: number;
  deletes?: { file: string; bytes: number; documents: number };
  /** A file beside it that speeds search up, with its checksum and what its kind says of it. */
  graph?: { file: string; bytes: number; crc: number; settings: Readonly<Record<string, number>> };
}

export interface RowsManifest extends AnyManifest {
  keyColumn: string;
  fields: StoredField[];
  /** Live documents. */
  documents: number;
  /** What its kind says: dimension, precision. */
  settings: Readonly<Record<string, unknown>>;
  segments: RowsSegmentEntry[];
}

/** Bytes of the files of a generation's segments. */
export const segmentBytes = ({ segments }: Pick<RowsManifest, 'segments'>): number =>
  segments.reduce((sum, s) => sum + s.bytes + (s.deletes?.bytes ?? 0) + (s.graph?.bytes ?? 0), 0);

export interface Prepared {
  generation: number;
  /** Live documents. */
  documents: number;
  segments: number;
  /** Bytes of the generation's files. */
  bytes: number;
}
