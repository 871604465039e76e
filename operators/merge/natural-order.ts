/** An order of keys that does not depend on how rows come: numbers as numbers, texts with the numbers in them as such. */
import type { Json } from '../../src/define/index.ts';

const DIGITS = /\d+/g;

/** Order of two texts: `d9` before `d10`; elsewhere by code units. */
export function compareTexts(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  // a number that begins before they differ counts whole
  while (at > 0 && isDigit(a, at - 1) && (isDigit(a, at) || isDigit(b, at))) at--;
  if (isDigit(a, at) && isDigit(b, at)) {
    const [x, y] = [numberAt(a, at), numberAt(b, at)];
    if (x.length !== y.length) return x.length - y.length;
    if (x !== y) return x < y ? -1 : 1;
  }
  return a === b ? 0 : a < b ? -1 : 1;
}
const isDigit = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
};
function numberAt(text: string, at: number): string {
  DIGITS.lastIndex = at;
  return (DIGITS.exec(text)?.[0] ?? '').replace(/^0+(?=\d)/, '');
}

/** Order of the values of two keys. */
export function compareNatural(a: readonly Json[], b: readonly Json[]): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : compareTexts(String(x), String(y));
    if (order !== 0) return order;
  }
  return 0;
}
