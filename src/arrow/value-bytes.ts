/** Values of columns as bytes: what hashes are taken of. */
import { type Data, DataType } from 'apache-arrow';
import { isNull } from './access.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Writes the value of a row. */
type Writer = (row: number) => void;

/** Writes the value of a row of a column: a mark for null, else the value. */
export function valueWriter(data: Data, to: ByteWriter): Writer {
  const { type } = data;
  let value: Writer;
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array;
    const values = data.values as Uint8Array;
    value = row => {
      to.word(offsets[row + 1] - offsets[row]);
      to.range(values, offsets[row], offsets[row + 1]);
    };
  } else if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array;
    const item = valueWriter(data.children[0], to);
    value = row => {
      to.word(offsets[row + 1] - offsets[row]);
      for (let i = offsets[row]; i < offsets[row + 1]; i++) item(i);
    };
  } else if (DataType.isFixedSizeList(type)) {
    const item = valueWriter(data.children[0], to);
    value = row => {
      for (let i = row * type.listSize; i < (row + 1) * type.listSize; i++) item(i);
    };
  } else if (DataType.isBool(type)) {
    value = row => {
      const bit = data.offset + row;
      to.byte((data.values[bit >> 3] >> (bit & 7)) & 1);
    };
  } else {
    const typed = data.values as Int32Array;
    const width = typed.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
    value = row => to.range(bytes, row * width, (row + 1) * width);
  }
  if (data.nullCount === 0) {
    return row => {
      to.byte(1);
      value(row);
    };
  }
  return row => {
    if (isNull(data, row)) to.byte(0);
    else {
      to.byte(1);
      value(row);
    }
  };
}
