/** Takes rows of a batch by index, column by column, and joins batches: what filters, explodes and windows need. */
import { type Data, DataType, Field, makeData, type RecordBatch, Schema } from 'apache-arrow';
import { isNull } from './access.ts';
import { batchOf, Validity } from './build.ts';

function takeValidity(data: Data, rows: ArrayLike<number>): { nullCount: number; nullBitmap?: Uint8Array } {
  if (data.nullCount === 0 || !data.nullBitmap?.length) return { nullCount: 0 };
  const validity = new Validity(rows.length);
  for (let i = 0; i < rows.length; i++) validity.set(i, !isNull(data, rows[i]));
  return { nullCount: validity.nulls, nullBitmap: validity.finish(rows.length) };
}

/** The values of a column at `rows`, in that order; an index may stand more than once. Always a copy. */
export function takeData(data: Data, rows: Int32Array): Data {
  const n = rows.length;
  const type = data.type;
  const base = { type, length: n, ...takeValidity(data, rows) };
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const from = data.valueOffsets as Int32Array;
    const source = data.values as Uint8Array;
    const offsets = new Int32Array(n + 1);
    let total = 0;
    for (let i = 0; i < n; i++) {
      total += from[rows[i] + 1] - from[rows[i]];
      offsets[i + 1] = total;
    }
    const values = new Uint8Array(total);
    let i = 0;
    while (i < n) {
      // neighbours are copied as one run
      let j = i + 1;
      while (j < n && rows[j] === rows[j - 1] + 1) j++;
      const start = from[rows[i]];
      const end = from[rows[j - 1] + 1];
      if (end - start < 24) {
        for (let b = start, at = offsets[i]; b < end; b++) values[at++] = source[b];
      } else values.set(source.subarray(start, end), offsets[i]);
      i = j;
    }
    return makeData({ ...base, valueOffsets: offsets, data: values } as never);
  }
  if (DataType.isList(type)) {
    const from = data.valueOffsets as Int32Array;
    const offsets = new Int32Array(n + 1);
    for (let i = 0; i < n; i++) offsets[i + 1] = offsets[i] + from[rows[i] + 1] - from[rows[i]];
    const items = new Int32Array(offsets[n]);
    for (let i = 0, at = 0; i < n; i++)
      for (let j = from[rows[i]]; j < from[rows[i] + 1]; j++) items[at++] = j;
    return makeData({ ...base, valueOffsets: offsets, child: takeData(data.children[0], items) } as never);
  }
  if (DataType.isFixedSizeList(type)) {
    const size = type.listSize;
    const items = new Int32Array(n * size);
    for (let i = 0; i < n; i++) for (let j = 0; j < size; j++) items[i * size + j] = rows[i] * size + j;
    return makeData({ ...base, child: takeData(data.children[0], items) } as never);
  }
  if (DataType.isBool(type)) {
    const bits = new Uint8Array((n + 7) >> 3);
    for (let i = 0; i < n; i++) {
      const bit = data.offset + rows[i];
      if (data.values[bit >> 3] & (1 << (bit & 7))) bits[i >> 3] |= 1 << (i & 7);
    }
    return makeData({ ...base, data: bits } as never);
  }
  if (DataType.isInt(type) || DataType.isFloat(type)) {
    const source = data.values as Int32Array;
    const values = new (source.constructor as Int32ArrayConstructor)(n);
    for (let i = 0; i < n; i++) values[i] = source[rows[i]];
    return makeData({ ...base, data: values } as never);
  }
  throw new TypeError(`columns of type ${type} cannot be taken row by row`);
}

/** The rows of a batch at these indices, as a batch of its own. */
export function takeRows(batch: RecordBatch, rows: Int32Array): RecordBatch {
  const datas = batch.data.children.map(d => takeData(d, rows));
  return batchOf(batch.schema, rows.length, datas);
}

/** The columns of a batch by these names, in that order (not copied). */
export function selectColumns(batch: RecordBatch, names: readonly string[]): RecordBatch {
  const fields = batch.schema.fields;
  const at = names.map(name => fields.findIndex(f => f.name === name));
  return batchOf(
    new Schema(at.map(i => fields[i])),
    batch.numRows,
    at.map(i => batch.data.children[i]),
  );
}

/** The columns named in `names`, under their new names, in the batch's order (not copied). */
export function renameColumns(batch: RecordBatch, names: Readonly<Record<string, string>>): RecordBatch {
  const at = batch.schema.fields.flatMap((f, i) => (Object.hasOwn(names, f.name) ? [i] : []));
  const fields = at.map(i => {
    const f = batch.schema.fields[i];
    return new Field(names[f.name], f.type, f.nullable);
  });
  return batchOf(
    new Schema(fields),
    batch.numRows,
    at.map(i => batch.data.children[i]),
  );
}

/** Joins columns of one type end to end. */
export function concatData(parts: readonly Data[]): Data {
  if (parts.length === 1) return parts[0];
  const type = parts[0].type;
  const length = parts.reduce((sum, d) => sum + d.length, 0);
  let nulls: { nullCount: number; nullBitmap?: Uint8Array } = { nullCount: 0 };
  if (parts.some(d => d.nullCount > 0)) {
    const validity = new Validity(length);
    let at = 0;
    for (const d of parts) for (let i = 0; i < d.length; i++) validity.set(at++, !isNull(d, i));
    nulls = { nullCount: validity.nulls, nullBitmap: validity.finish(length) };
  }
  const base = { type, length, ...nulls };
  if (DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isList(type)) {
    const offsets = new Int32Array(length + 1);
    let at = 0;
    for (const d of parts) {
      const from = d.valueOffsets as Int32Array;
      for (let i = 0; i < d.length; i++, at++) offsets[at + 1] = offsets[at] + from[i + 1] - from[i];
    }
    if (DataType.isList(type)) {
      const children = parts.map(d =>
        d.children[0].slice(d.valueOffsets[0], d.valueOffsets[d.length] - d.valueOffsets[0]),
      );
      return makeData({ ...base, valueOffsets: offsets, child: concatData(children) } as never);
    }
    const values = new Uint8Array(offsets[length]);
    at = 0;
    for (const d of parts) {
      const piece = (d.values as Uint8Array).subarray(d.valueOffsets[0], d.valueOffsets[d.length]);
      values.set(piece, at);
      at += piece.length;
    }
    return makeData({ ...base, valueOffsets: offsets, data: values } as never);
  }
  if (DataType.isFixedSizeList(type)) {
    return makeData({ ...base, child: concatData(parts.map(d => d.children[0])) } as never);
  }
  if (DataType.isBool(type)) {
    const bits = new Uint8Array((length + 7) >> 3);
    let at = 0;
    for (const d of parts)
      for (let i = 0; i < d.length; i++, at++) {
        const bit = d.offset + i;
        if (d.values[bit >> 3] & (1 << (bit & 7))) bits[at >> 3] |= 1 << (at & 7);
      }
    return makeData({ ...base, data: bits } as never);
  }
  const first = parts[0].values as Int32Array;
  const values = new (first.constructor as Int32ArrayConstructor)(length);
  let at = 0;
  for (const d of parts) {
    values.set((d.values as Int32Array).subarray(0, d.length), at);
    at += d.length;
  }
  return makeData({ ...base, data: values } as never);
}

/** Joins batches of one schema end to end. @throws Error on an empty list. */
export function concatBatches(batches: readonly RecordBatch[]): RecordBatch {
  if (batches.length === 0) throw new Error('no batches to join');
  if (batches.length === 1) return batches[0];
  const schema = batches[0].schema;
  const datas = schema.fields.map((_, c) => concatData(batches.map(b => b.data.children[c])));
  return batchOf(
    schema,
    batches.reduce((sum, b) => sum + b.numRows, 0),
    datas,
  );
}
