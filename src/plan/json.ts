/** What of a value is not plain JSON: parameters travel to workers and into ledgers as JSON. */
import { found } from './describe.ts';
import type { DefinitionPath } from './types.ts';

/** Something that JSON cannot hold, and where it is. */
export interface NotJson {
  readonly path: DefinitionPath;
  readonly what: string;
}

/** Finds values that JSON cannot hold. `undefined` members of objects count as absent. */
export function notJson(value: unknown, path: DefinitionPath = []): NotJson[] {
  const out: NotJson[] = [];
  walk(value, path, new Set(), out);
  return out;
}

function walk(value: unknown, path: DefinitionPath, above: Set<object>, out: NotJson[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) out.push({ path, what: String(value) });
    return;
  }
  if (typeof value !== 'object') {
    out.push({ path, what: found(value) });
    return;
  }
  if (above.has(value)) {
    out.push({ path, what: 'an object that holds itself' });
    return;
  }
  const prototype = Object.getPrototypeOf(value);
  if (
    !Array.isArray(value) &&
    prototype !== null &&
    prototype !== Object.prototype &&
    !isForeignPlain(value)
  ) {
    out.push({ path, what: `an instance of ${value.constructor?.name || 'a class'}` });
    return;
  }
  above.add(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) walk(value[i], [...path, i], above, out);
  } else {
    for (const [key, member] of Object.entries(value)) {
      if (member !== undefined) walk(member, [...path, key], above, out);
    }
  }
  above.delete(value);
}

/** A plain object of another realm: a file loaded in a vm context, as test runners do. */
function isForeignPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return Object.getPrototypeOf(prototype) === null && prototype.constructor?.name === 'Object';
}

/** JSON with sorted keys and no spaces: equal values give equal text. `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(v => canonicalJson(v ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
