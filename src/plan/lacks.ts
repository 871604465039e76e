/** Columns that a step needs and does not get: said once, with where else they might be had. */
import { DataType } from 'apache-arrow';
import { type Column, type Columns, sameType, typeName } from '../arrow/index.ts';
import { nearest } from '../define/index.ts';
import type { Known } from './columns.ts';
import { some } from './describe.ts';
import { didYouMean, type Findings } from './findings.ts';
import type { Node } from './wiring.ts';

const quoted = (name: string): string => JSON.stringify(name);

/** Whether a column of type `got` will do where `wanted` is read: a list of size 0 stands for any size, Null for any type. */
export function accepts(wanted: DataType, got: DataType): boolean {
  if (DataType.isNull(wanted)) return true;
  if (DataType.isFixedSizeList(wanted) && wanted.listSize === 0) {
    return DataType.isFixedSizeList(got) && accepts(wanted.children[0].type, got.children[0].type);
  }
  if (DataType.isList(wanted) && DataType.isList(got))
    return accepts(wanted.children[0].type, got.children[0].type);
  return sameType(wanted, got);
}

/** Columns that a step reads and one of its inputs does not give. */
export interface Lack {
  readonly node: Node;
  readonly op: string;
  readonly source: Node;
  readonly missing: readonly { readonly name: string; readonly wanted?: Column }[];
  /** All that is read of the input. */
  readonly reads: Columns;
}

/** One problem for all that is missing, and where else it might be had. */
export function reportLack(
  { node, op, source, missing, reads }: Lack,
  known: ReadonlyMap<Node, Known>,
  meant: Set<Node>,
  findings: Findings,
): void {
  const given = known.get(source)?.output ?? {};
  const columns = Object.keys(given);
  const shown = missing.map(({ name, wanted }) =>
    wanted && !DataType.isNull(wanted.type) ? `${quoted(name)} (${typeName(wanted.type)})` : quoted(name),
  );
  const list = `column${shown.length > 1 ? 's' : ''} ${shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : shown[0]}`;
  const from = quoted(source.draft.id ?? '');
  const have = columns.length > 0 ? `${from} gives ${some(columns, 12)}` : `${from} gives no columns`;
  const [{ name, wanted }] = missing;
  const ofType = columns.filter(c => wanted && accepts(wanted.type, given[c].type));
  const near = missing.length > 1 ? undefined : (nearest(name, ofType) ?? nearest(name, columns));
  // A step that has it all, best one that nobody takes rows from.
  const fits = [...known].filter(
    ([other, k]) =>
      other !== node &&
      !node.from.includes(other) &&
      !isBelow(node, other) &&
      Object.entries(reads).every(
        ([n, c]) => Object.hasOwn(k.output, n) && accepts(c.type, k.output[n].type),
      ),
  );
  const better = fits.find(([other]) => other.to.length === 0) ?? fits[0];
  if (better) meant.add(better[0]);
  const elsewhere =
    better && `${quoted(better[0].draft.id ?? '')} gives ${missing.length > 1 ? 'them' : 'it'}`;
  findings.add({
    path: columnPath(node, name),
    code: 'missing-column',
    message: `${op} reads ${list}, which ${from} does not give`,
    help: [near === undefined ? elsewhere : didYouMean(near), have]
      .filter(Boolean)
      .join('; ')
      .replace('?;', '?'),
  });
}

/** Whether rows of `above` come to `node`. */
function isBelow(above: Node, node: Node): boolean {
  const all = new Set([node]);
  for (const n of all) for (const source of n.from) all.add(source);
  return all.has(above);
}

/** The parameter that names a column, where one does: the place to mend it. */
export function columnPath(node: Node, column: string): (string | number)[] {
  const at = ['steps', node.draft.index];
  const named = (value: unknown): (string | number)[] | undefined => {
    if (typeof value === 'string') return value === column ? [] : undefined;
    if (typeof value !== 'object' || value === null) return undefined;
    for (const [key, member] of Object.entries(value)) {
      const rest = named(member);
      if (rest) return [Array.isArray(value) ? Number(key) : key, ...rest];
      if (!Array.isArray(value) && key === column) return [key];
    }
    return undefined;
  };
  const path = named(node.draft.raw.with);
  return path ? [...at, 'with', ...path] : at;
}
