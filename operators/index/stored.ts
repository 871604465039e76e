/** Arrow columns as an index stores them: the same buffers, no string decoded. */

import type { RecordBatch } from 'apache-arrow';
import { type Data, DataType } from 'apache-arrow';
import { columnData, isNull } from '../../src/arrow/index.ts';
import type { DocumentBatch, StoredColumn, TextColumn } from '../../src/retrieval/sparse/index.ts';
import type { SearchedColumn } from './fields-param.ts';
import { weightsColumn } from './weighted-terms.ts';

/** Columns of a hit that an index keeps wherever its input has them. */
export const HIT_COLUMNS = ['unit', 'doc_id', 'title', 'text', 'start', 'end'];

/** Whether an index can store columns of this type. */
export const storable = (type: DataType): boolean =>
  DataType.isUtf8(type) ||
  DataType.isBool(type) ||
  (DataType.isInt(type) && type.isSigned && type.bitWidth === 32) ||
  (DataType.isFloat(type) && type.precision > 0);

/** A byte a row, 1 for null, or undefined where there are no nulls. */
function nullsOf(data: Data): Uint8Array | undefined {
  if (data.nullCount === 0) return undefined;
  return Uint8Array.from({ length: data.length }, (_, i) => (isNull(data, i) ? 1 : 0));
}

const textColumn = (data: Data): TextColumn => ({
  bytes: data.values as Uint8Array,
  offsets: data.valueOffsets as Int32Array,
  nulls: nullsOf(data),
});

function storedColumn(data: Data): StoredColumn {
  if (DataType.isUtf8(data.type)) return { type: 'utf8', ...textColumn(data) };
  const nulls = nullsOf(data);
  if (DataType.isBool(data.type)) {
    const bits = data.values as Uint8Array;
    const values = Uint8Array.from({ length: data.length }, (_, i) => {
      const bit = data.offset + i;
      return (bits[bit >> 3] >> (bit & 7)) & 1;
    });
    return { type: 'bool', values, nulls };
  }
  if (DataType.isInt(data.type)) return { type: 'int32', values: data.values as Int32Array, nulls };
  // float32 is stored in double precision, which holds it exactly
  const values =
    data.values instanceof Float64Array ? data.values : Float64Array.from(data.values as Float32Array);
  return { type: 'float64', values, nulls };
}

/** Keys and stored columns of a batch, as indexes of keyed rows take them. */
export const keyedRows = (batch: RecordBatch, key: string, stored: readonly string[]) => ({
  rows: batch.numRows,
  key: textColumn(columnData(batch, key)),
  stored: Object.fromEntries(stored.map(name => [name, storedColumn(columnData(batch, name))])),
});

/** A batch as an index takes it. */
export function documentBatch(
  batch: RecordBatch,
  key: string,
  searched: readonly SearchedColumn[],
  stored: readonly string[],
): DocumentBatch {
  return {
    ...keyedRows(batch, key, stored),
    fields: Object.fromEntries(
      searched.map(({ spec, weighted }) => [
        spec.name,
        weighted ? weightsColumn(batch, weighted) : textColumn(columnData(batch, spec.name)),
      ]),
    ),
  };
}
