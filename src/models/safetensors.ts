/** Reads tensors of a safetensors file: a length, a JSON header, then raw little-endian values. */
import { open } from 'node:fs/promises';
import { ModelError } from './errors.ts';
import { halfToFloat } from './float16.ts';

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const WIDTH: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I8: 1, U8: 1 };
const MAX_HEADER = 100 << 20;

function toFloats(dtype: string, bytes: Uint8Array): Float32Array {
  const n = bytes.length / WIDTH[dtype];
  const out = new Float32Array(n);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < n; i++) {
    if (dtype === 'F32') out[i] = view.getFloat32(i * 4, true);
    else if (dtype === 'F64') out[i] = view.getFloat64(i * 8, true);
    else if (dtype === 'F16') out[i] = halfToFloat(view.getUint16(i * 2, true));
    else if (dtype === 'I64') out[i] = Number(view.getBigInt64(i * 8, true));
    else if (dtype === 'I32') out[i] = view.getInt32(i * 4, true);
    else if (dtype === 'I8') out[i] = view.getInt8(i);
    else if (dtype === 'U8') out[i] = view.getUint8(i);
  }
  if (dtype === 'BF16') {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < n; i++) bits[i] = view.getUint16(i * 2, true) << 16;
  }
  return out;
}

/**
 * The tensors of a file as 32-bit floats, all of them or those named.
 * @throws ModelError where the file is not safetensors, is cut short, or holds a type that is not read
 */
export async function readSafetensors(
  path: string,
  names?: readonly string[],
): Promise<Map<string, FloatTensor>> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const lead = Buffer.alloc(8);
    await file.read(lead, 0, 8, 0);
    const length = size >= 8 ? Number(lead.readBigUInt64LE()) : Number.NaN;
    if (!(length > 1 && length <= Math.min(MAX_HEADER, size - 8))) {
      throw new ModelError(`${path}: not a safetensors file, or cut short (${size} bytes)`, {
        help: 'fetch the file again',
      });
    }
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, 8);
    const header = JSON.parse(text.toString('utf8')) as Record<string, HeaderEntry>;
    const found = new Map<string, FloatTensor>();
    for (const [name, entry] of Object.entries(header)) {
      if (name === '__metadata__' || (names && !names.includes(name))) continue;
      if (WIDTH[entry.dtype] === undefined)
        throw new ModelError(`${path}: tensor "${name}" has type ${entry.dtype}, which is not read`);
      const [start, end] = entry.data_offsets;
      if (8 + length + end > size) {
        throw new ModelError(`${path}: tensor "${name}" ends behind the end of the file (${size} bytes)`, {
          help: 'the file was cut short; fetch it again',
        });
      }
      const bytes = Buffer.alloc(end - start);
      await file.read(bytes, 0, bytes.length, 8 + length + start);
      found.set(name, { shape: entry.shape, data: toFloats(entry.dtype, bytes) });
    }
    return found;
  } finally {
    await file.close();
  }
}
