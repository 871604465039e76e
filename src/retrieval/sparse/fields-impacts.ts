import { IndexError } from './errors.ts';

/**
 * Weights as small floating-point numbers without a sign, so that no scale has to be known beforehand and
 * a document's codes do not depend on other documents. Codes rise with the weight, which is what bounds
 * by the highest code of a block need.
 *
 *   8 bits   4 of exponent, 4 of mantissa: .001 to 496, relative error at most 1/32
 *   16 bits  5 of exponent, 11 of mantissa: 3e-8 to 131,040, relative error at most 1/4096
 */
interface Code {
  mantissa: number;
  bias: number;
  codes: number;
}

const CODES: Record<8 | 16, Code> = {
  8: { mantissa: 4, bias: 7, codes: 1 << 8 },
  16: { mantissa: 11, bias: 15, codes: 1 << 16 },
};

/** The code nearest to a weight above 0, at least 1. NaN where the weight is too large for the bits. */
export function encodeImpact(weight: number, bits: 8 | 16): number {
  const { mantissa, bias, codes } = CODES[bits];
  let exponent = Math.max(1 - bias, Math.floor(Math.log2(weight)));
  if (2 ** exponent > weight && exponent > 1 - bias) exponent--;
  else if (2 ** (exponent + 1) <= weight) exponent++;
  const code = (exponent + bias - 1) * 2 ** mantissa + Math.round(weight / 2 ** (exponent - mantissa));
  return code >= codes ? Number.NaN : Math.max(1, code);
}

const tables = new Map<8 | 16, Float64Array>();

/** The weight of every code. */
export function impactTable(bits: 8 | 16): Float64Array {
  const kept = tables.get(bits);
  if (kept !== undefined) return kept;
  const { mantissa, bias, codes } = CODES[bits];
  const table = new Float64Array(codes);
  const steps = 2 ** mantissa;
  for (let code = 0; code < codes; code++) {
    const exponent = Math.floor(code / steps);
    const rest = code % steps;
    table[code] =
      exponent === 0 ? rest * 2 ** (1 - bias - mantissa) : (steps + rest) * 2 ** (exponent - bias - mantissa);
  }
  tables.set(bits, table);
  return table;
}

/** Throws IndexError 'argument' for a weight that cannot be stored; 0 is fine and means the term is absent. */
export function checkWeight(weight: number, bits: 8 | 16, where: string): void {
  if (weight === 0 || (weight > 0 && !Number.isNaN(encodeImpact(weight, bits)))) return;
  const table = impactTable(bits);
  throw new IndexError(
    'argument',
    `${where}: weight ${weight}; ${bits} bits hold weights from 0 to ${table[table.length - 1]}` +
      (bits === 8 && weight > 0 ? ', 16 bits hold larger ones' : ''),
  );
}
