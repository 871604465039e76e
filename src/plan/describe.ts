/** Values and places in words, for messages. */
import { formatBytes } from '../define/index.ts';
import type { DefinitionPath } from './types.ts';

const LONGEST = 60;

/** A value as a message shows what was found: `"ten"`, `1.5`, `a list`, `nothing`. */
export function found(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST - 1)}…` : value);
    case 'number':
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'nothing';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? (value.length === 0 ? 'an empty list' : 'a list') : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** `"a", "b" or "c"`. */
export const oneOf = (values: readonly unknown[], word = 'or'): string => {
  const shown = values.map(v => (typeof v === 'string' ? JSON.stringify(v) : String(v)));
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} ${word} ${shown[shown.length - 1]}`;
};

/** A list cut to what can be read: `a, b, c and 12 more`. */
export function some(values: readonly string[], most = 8): string {
  return values.length <= most
    ? values.join(', ')
    : `${values.slice(0, most).join(', ')} and ${values.length - most} more`;
}

/** A path as people write it: `with.k[0]`. */
export function pathText(path: DefinitionPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\p{L}\p{N}_$-]+$/u.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Bytes, a whole number of a unit where it is one: `2 GiB`, not `2.0 GiB`. */
export const size = (bytes: number): string => formatBytes(bytes).replace(/\.0 /, ' ');
