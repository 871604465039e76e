/** Conditions on columns, each worked out for a whole batch at once: a byte a row, 1 where it holds. */
import { type Data, DataType } from 'apache-arrow';
import { describe, isNull, typeName, Utf8View, valueAt } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';
import { Words } from '../split/words.ts';

export const TESTS = [
  'equals',
  'not',
  'in',
  'not-in',
  'contains',
  'not-contains',
  'starts-with',
  'ends-with',
  'matches',
  'not-matches',
  'min',
  'max',
  'min-words',
  'max-words',
  'exists',
  'missing',
] as const;
export type Test = (typeof TESTS)[number];

type Scalar = string | number | boolean;
export interface Condition {
  column: string;
  is: Test;
  value?: Scalar | Scalar[] | undefined;
  ignoreCase: boolean;
}

const WANTED: Readonly<Record<Test, 'scalar' | 'list' | 'text' | 'number' | 'nothing'>> = {
  equals: 'scalar',
  not: 'scalar',
  in: 'list',
  'not-in': 'list',
  contains: 'scalar',
  'not-contains': 'scalar',
  'starts-with': 'text',
  'ends-with': 'text',
  matches: 'text',
  'not-matches': 'text',
  min: 'number',
  max: 'number',
  'min-words': 'number',
  'max-words': 'number',
  exists: 'nothing',
  missing: 'nothing',
};
const IN_WORDS = {
  scalar: 'text, a number or true/false',
  list: 'a list',
  text: 'text',
  number: 'a number',
  nothing: 'no value',
};

/** What is wrong with a condition's value, or undefined. */
export function valueProblem(c: Condition): string | undefined {
  const wanted = WANTED[c.is];
  const fits =
    wanted === 'nothing'
      ? c.value === undefined
      : wanted === 'list'
        ? Array.isArray(c.value)
        : wanted === 'scalar'
          ? c.value !== undefined && !Array.isArray(c.value)
          : typeof c.value === (wanted === 'text' ? 'string' : 'number');
  if (!fits)
    return `value: "${c.is}" takes ${IN_WORDS[wanted]}, got ${c.value === undefined ? 'nothing' : describe(c.value)}`;
  if (c.is === 'matches' || c.is === 'not-matches') {
    try {
      new RegExp(String(c.value), 'u');
    } catch (error) {
      return `value: not a regular expression: ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** Sets `holds[row]` for each row of the column. */
export type Evaluate = (data: Data, holds: Uint8Array) => void;

/** The negations: what they deny; a null fails the test and its denial alike. */
const DENIES: Partial<Record<Test, Test>> = {
  not: 'equals',
  'not-in': 'in',
  'not-contains': 'contains',
  'not-matches': 'matches',
};

/** Makes the function of a condition, once. */
export function evaluator(c: Condition): Evaluate {
  if (c.is === 'exists' || c.is === 'missing') {
    const wanted = c.is === 'exists' ? 1 : 0;
    return (data, holds) => {
      const lengths = data.valueOffsets as Int32Array | undefined;
      for (let i = 0; i < holds.length; i++) {
        const there = !isNull(data, i) && (!lengths || lengths[i + 1] > lengths[i]) ? 1 : 0;
        holds[i] = there === wanted ? 1 : 0;
      }
    };
  }
  const denied = DENIES[c.is];
  const test = textTest(denied ?? c.is, c);
  const plain = plainTest(denied ?? c.is, c);
  return (data, holds) => {
    const problem = typeProblem(c, data.type);
    if (problem) throw new UserError(problem);
    if (DataType.isUtf8(data.type)) test(new Utf8View(data), holds);
    else plain(data, holds);
    if (!denied && data.nullCount === 0) return;
    for (let i = 0; i < holds.length; i++) {
      if (isNull(data, i)) holds[i] = 0;
      else if (denied) holds[i] ^= 1;
    }
  };
}

/** What is wrong with looking at a column of this type, or undefined. */
export function typeProblem(c: Condition, type: DataType): string | undefined {
  const test = DENIES[c.is] ?? c.is;
  const number = DataType.isInt(type) || DataType.isFloat(type);
  const list = DataType.isList(type);
  let fits = DataType.isUtf8(type);
  if (test === 'exists' || test === 'missing') fits = true;
  else if (test === 'min' || test === 'max') fits = number;
  else if (test === 'contains') fits ||= list;
  else if (test === 'equals' || test === 'in') fits ||= number || DataType.isBool(type);
  return fits ? undefined : `"${c.is}" does not go with column "${c.column}", which is ${typeName(type)}`;
}

function textTest(test: Test, c: Condition): (view: Utf8View, holds: Uint8Array) => void {
  const values = (Array.isArray(c.value) ? c.value : [c.value]).map(String);
  if (test === 'min-words' || test === 'max-words') {
    const words = new Words();
    return (view, holds) => {
      for (let i = 0; i < holds.length; i++) {
        const count = words.scan(view.bytes, view.offsets[i], view.offsets[i + 1]);
        holds[i] = (test === 'min-words' ? count >= Number(c.value) : count <= Number(c.value)) ? 1 : 0;
      }
    };
  }
  if (test === 'matches') {
    const pattern = new RegExp(values[0], c.ignoreCase ? 'iu' : 'u');
    return byString(text => pattern.test(text));
  }
  if (c.ignoreCase) {
    const folded = values.map(v => v.toLowerCase());
    return byString(text => {
      const t = text.toLowerCase();
      return folded.some(v => stringTest(test, t, v));
    });
  }
  const needles = values.map(v => Buffer.from(v));
  if (test === 'contains') return (view, holds) => contains(view, needles[0], holds);
  return (view, holds) => {
    const { bytes, offsets } = view;
    for (let i = 0; i < holds.length; i++) {
      const from = offsets[i];
      const to = offsets[i + 1];
      let found = false;
      for (let n = 0; n < needles.length && !found; n++) {
        const size = needles[n].length;
        if (
          test === 'starts-with'
            ? size > to - from
            : test === 'ends-with'
              ? size > to - from
              : size !== to - from
        )
          continue;
        found = equalAt(bytes, test === 'ends-with' ? to - size : from, needles[n]);
      }
      holds[i] = found ? 1 : 0;
    }
  };
}

const byString =
  (test: (text: string) => boolean) =>
  (view: Utf8View, holds: Uint8Array): void => {
    for (let i = 0; i < holds.length; i++) holds[i] = test(view.get(i)) ? 1 : 0;
  };

function stringTest(test: Test, text: string, value: string): boolean {
  if (test === 'contains') return text.includes(value);
  if (test === 'starts-with') return text.startsWith(value);
  if (test === 'ends-with') return text.endsWith(value);
  return text === value;
}

function equalAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let i = 0; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false;
  return true;
}

/** One search over the whole column; a find that crosses the border of two rows does not count. */
function contains(view: Utf8View, needle: Buffer, holds: Uint8Array): void {
  holds.fill(needle.length === 0 ? 1 : 0);
  if (needle.length === 0 || holds.length === 0) return;
  const { bytes, offsets } = view;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, offsets[holds.length]);
  let row = 0;
  for (let at = buffer.indexOf(needle, offsets[0]); at >= 0; ) {
    while (offsets[row + 1] <= at) row++;
    const inside = at + needle.length <= offsets[row + 1];
    if (inside) holds[row] = 1;
    at = buffer.indexOf(needle, inside ? offsets[row + 1] : at + 1);
  }
}

function plainTest(test: Test, c: Condition): (data: Data, holds: Uint8Array) => void {
  const values = new Set<unknown>(Array.isArray(c.value) ? c.value : [c.value]);
  const limit = Number(c.value);
  return (data, holds) => {
    const list = DataType.isList(data.type);
    for (let i = 0; i < holds.length; i++) {
      const value = valueAt(data, i);
      if (test === 'min') holds[i] = Number(value) >= limit ? 1 : 0;
      else if (test === 'max') holds[i] = Number(value) <= limit ? 1 : 0;
      else if (list) holds[i] = (value as unknown[] | null)?.some(v => values.has(plain(v))) ? 1 : 0;
      else holds[i] = values.has(plain(value)) ? 1 : 0;
    }
  };
}

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
