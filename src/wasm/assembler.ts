/**
 * A small assembler for WebAssembly (core specification 2.0 with SIMD): expressions nest as in its text
 * format, `store16(x, add(y, z))`, and each gives its bytes. Only what the kernels need.
 */
export type Code = readonly number[];
const TYPE = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
export type Type = keyof typeof TYPE;
const VOID = 0x40;

function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest = Math.floor(rest / 128);
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
  return out;
}

function signed(value: bigint): number[] {
  const out: number[] = [];
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) return [...out, byte];
    out.push(byte | 0x80);
  }
}

/** A local variable or parameter. */
export interface Local {
  readonly index: number;
  readonly type: Type;
}

const op =
  (...bytes: number[]) =>
  (...operands: Code[]): Code => [...operands.flat(), ...bytes];
const simd = (code: number) => op(0xfd, ...unsigned(code));
const memory =
  (align: number, ...bytes: number[]) =>
  (address: Code, offset = 0): Code => [...address, ...bytes, align, ...unsigned(offset)];
const memoryStore =
  (align: number, ...bytes: number[]) =>
  (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...bytes,
    align,
    ...unsigned(offset),
  ];

export const i32 = (value: number): Code => [0x41, ...signed(BigInt(value | 0))];
export const i64 = (value: bigint): Code => [0x42, ...signed(value)];
export const f64 = (value: number): Code => [0x44, ...new Uint8Array(new Float64Array([value]).buffer)];
export const get = (local: Local): Code => [0x20, ...unsigned(local.index)];
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...unsigned(local.index)];
/** Adds a constant to an i32 local. */
export const advance = (local: Local, by: number): Code => set(local, add(get(local), i32(by)));

export const add = op(0x6a);
export const sub = op(0x6b);
export const mul = op(0x6c);
export const and = op(0x71);
export const shl = op(0x74);
export const shrU = op(0x76);
export const ctz = op(0x68);
export const or = op(0x72);
export const isZero = op(0x45);
export const equal = op(0x46);
export const ltU = op(0x49);
export const gtU = op(0x4b);
export const geU = op(0x4f);
export const ltS = op(0x48);
export const add64 = op(0x7c);
export const mul64 = op(0x7e);
export const and64 = op(0x83);
export const xor64 = op(0x85);
export const shl64 = op(0x86);
export const rotl64 = op(0x89);
export const shrU64 = op(0x88);
export const wrap64 = op(0xa7);
export const extend32U = op(0xad);
export const f64Add = op(0xa0);
export const f64Sub = op(0xa1);
export const f64Mul = op(0xa2);
export const f64Div = op(0xa3);
export const f64Ceil = op(0x9b);
export const f64FromI32 = op(0xb7);
export const i32FromF64 = op(0xfc, 0x02);

export const load32 = memory(2, 0x28);
export const load64 = memory(0, 0x29);
export const loadF64 = memory(3, 0x2b);
export const load8U = memory(0, 0x2d);
export const load16U = memory(1, 0x2f);
export const loadV = memory(0, 0xfd, 0x00);
export const store32 = memoryStore(2, 0x36);
export const store64 = memoryStore(0, 0x37);
export const store8 = memoryStore(0, 0x3a);
export const store16 = memoryStore(1, 0x3b);

export const addF32 = simd(0xe4);
export const subF32 = simd(0xe5);
export const minF32 = simd(0xe8);
/** All bits of a lane where the first is less. */
export const ltF32 = simd(0x43);
/** Bits of the first where the third has ones, of the second elsewhere. */
export const bitSelect = simd(0x52);
/** Four 32-bit numbers. */
export const constV = (numbers: readonly number[]): Code => [
  0xfd,
  0x0c,
  ...new Uint8Array(Int32Array.from(numbers).buffer),
];
/** Four 32-bit lanes of a vector, by number. */
export const lanesOf = (vector: Code, lanes: readonly number[]): Code => [
  ...vector,
  ...vector,
  0xfd,
  0x0d,
  ...lanes.flatMap(l => [0, 1, 2, 3].map(b => 4 * l + b)),
];
export const mulF32 = simd(0xe6);
export const maxF32 = simd(0xe9);
/** Bytes of the first vector by the numbers in the second. */
export const swizzle = simd(0x0e);
export const andV = simd(0x4e);
export const shrU8 = simd(0x6d);
export const extendLowS8 = simd(0x87);
export const extendHighS8 = simd(0x88);
/** Products of 16-bit numbers, pairs of them added to 32 bits. */
export const dotS16 = simd(0xba);
export const addI32V = simd(0xae);
export const floatsOfI32 = simd(0xfa);

/** One 32-bit number in all four lanes. */
export const load32Splat = memory(2, 0xfd, 0x09);
export const splat8 = simd(0x0f);
export const equal8 = simd(0x23);
/** Bit i where the highest bit of byte i is set. */
export const bitmask8 = simd(0x64);
export const splat16 = simd(0x10);
export const geU16 = simd(0x36);
export const maxU16 = simd(0x99);
export const orV = simd(0x50);
export const anyTrue = simd(0x53);
export const bitmask16 = simd(0x84);
export const storeV = memoryStore(0, 0xfd, 0x0b);
export const zeroV: Code = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];

/** `while (condition) body`. */
export function loopWhile(condition: Code, ...body: Code[]): Code {
  return [
    0x02,
    VOID,
    0x03,
    VOID,
    ...condition,
    0x45, // leave where the condition is 0
    0x0d,
    1,
    ...body.flat(),
    0x0c,
    0,
    0x0b,
    0x0b,
  ];
}

/** `if (condition) body`. */
export function when(condition: Code, ...body: Code[]): Code {
  return [...condition, 0x04, VOID, ...body.flat(), 0x0b];
}

/** `if (condition) then else otherwise`. */
export function choose(condition: Code, then: readonly Code[], otherwise: readonly Code[]): Code {
  return [...condition, 0x04, VOID, ...then.flat(), 0x05, ...otherwise.flat(), 0x0b];
}

export interface Kernel {
  name: string;
  parameters: readonly Type[];
  result?: Type;
  locals: readonly Type[];
  body: Code;
}

/** Declares a function: `build` gets its parameters and locals by name and gives its body. */
export function kernel<P extends Record<string, Type>, L extends Record<string, Type>>(
  name: string,
  parameters: P,
  locals: L,
  result: Type | undefined,
  build: (v: { [K in keyof P | keyof L]: Local }) => Code[],
): Kernel {
  const all = [...Object.entries(parameters), ...Object.entries(locals)];
  const v = Object.fromEntries(all.map(([n, type], index) => [n, { index, type }]));
  return {
    name,
    parameters: Object.values(parameters),
    locals: Object.values(locals),
    result,
    body: build(v as { [K in keyof P | keyof L]: Local }).flat(),
  };
}

const section = (id: number, ...content: Code[]): Code => {
  const bytes = content.flat();
  return [id, ...unsigned(bytes.length), ...bytes];
};
const text = (name: string): Code => [...unsigned(name.length), ...new TextEncoder().encode(name)];

/** A module that imports its memory as `env.memory` and exports the kernels by name. */
export function assemble(kernels: readonly Kernel[]): Uint8Array<ArrayBuffer> {
  const count = unsigned(kernels.length);
  const types = kernels.map(k => [
    0x60,
    ...unsigned(k.parameters.length),
    ...k.parameters.map(t => TYPE[t]),
    ...(k.result === undefined ? [0] : [1, TYPE[k.result]]),
  ]);
  const bodies = kernels.map(k => {
    const locals = [...unsigned(k.locals.length), ...k.locals.flatMap(t => [1, TYPE[t]])];
    const bytes = [...locals, ...k.body, 0x0b];
    return [...unsigned(bytes.length), ...bytes];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, count, ...types),
    ...section(2, [1], text('env'), text('memory'), [0x02, 0x00, 1]),
    ...section(
      3,
      count,
      kernels.map((_, i) => i),
    ),
    ...section(7, count, ...kernels.map((k, i) => [...text(k.name), 0x00, ...unsigned(i)])),
    ...section(10, count, ...bodies),
  ]);
}
