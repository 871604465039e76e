/** What type a field has, from the values at the head of a file. */

/** Names of kinds: those of `columnOf`, and `json` for anything kept as its JSON text. */
export type Kind = string;

const INT32 = 2 ** 31;

function kindOf(value: unknown): Kind | undefined {
  switch (typeof value) {
    case 'string':
      return 'utf8';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int64';
    case 'number':
      if (!Number.isSafeInteger(value)) return 'float64';
      return value >= -INT32 && value < INT32 ? 'int32' : 'int64';
    default:
      break;
  }
  if (!Array.isArray(value)) return 'json';
  let item: Kind | undefined;
  for (const v of value) {
    const kind = v === null ? 'json' : (kindOf(v) as Kind);
    if (kind === 'json' || kind.startsWith('list<')) return 'json';
    item = item === undefined ? kind : (widened(item, kind) ?? 'json');
    if (item === 'json') return 'json';
  }
  return item === undefined ? 'list<?>' : `list<${item}>`;
}

const NUMBERS = ['int32', 'int64', 'float64'];

/** The kind that holds both, or undefined where only text would. */
function widened(a: Kind, b: Kind): Kind | undefined {
  if (a === b) return a;
  const wider = Math.max(NUMBERS.indexOf(a), NUMBERS.indexOf(b));
  if (NUMBERS.includes(a) && NUMBERS.includes(b)) return NUMBERS[wider];
  const inner = (k: Kind): string | undefined => /^list<(.+)>$/.exec(k)?.[1];
  const ia = inner(a);
  const ib = inner(b);
  if (ia === undefined || ib === undefined) return undefined;
  if (ia === '?') return b;
  if (ib === '?') return a;
  const item = widened(ia, ib);
  return item === undefined ? undefined : `list<${item}>`;
}

/**
 * Gathers fields and their kinds, in order of first appearance. Whole numbers are int32, or int64 where one needs
 * it; a fraction makes float64; lists take the kind of their items; objects, mixed and nested lists are kept as JSON
 * text. Where kinds cannot be joined the first one stands, and the others become row errors.
 */
export class Inference {
  readonly #kinds = new Map<string, Kind | undefined>();
  records = 0;
  add(record: Readonly<Record<string, unknown>>): void {
    this.records++;
    for (const name in record) {
      const value = record[name];
      const before = this.#kinds.get(name);
      if (value === null || value === undefined) {
        if (!this.#kinds.has(name)) this.#kinds.set(name, undefined);
        continue;
      }
      const kind = kindOf(value) as Kind;
      if (before === undefined) this.#kinds.set(name, kind);
      else if (before !== kind && before !== 'json') {
        const both = widened(before, kind);
        if (both !== undefined) this.#kinds.set(name, both);
        else if (before.startsWith('list<') && (kind === 'json' || kind.startsWith('list<')))
          this.#kinds.set(name, 'json');
      }
    }
  }
  /** Fields and kinds; a field that was null throughout is text. */
  finish(): Map<string, Kind> {
    const out = new Map<string, Kind>();
    for (const [name, kind] of this.#kinds) out.set(name, kind?.replace('?', 'utf8') ?? 'utf8');
    return out;
  }
}
