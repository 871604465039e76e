/** Looks rows up in the ledger: by a source's key, or by the key of a row at a sink. */
import { type Json, UserError } from '../../define/index.ts';
import { idBytes, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { decodeChildren } from './children.ts';
import type { FlowState, Pass, StepState } from './flow-memory.ts';
import { keyText, typedKey } from './key-text.ts';
import { partsOf } from './part-entry.ts';
import { described } from './row-entry.ts';
import { layoutsOf, type RowWhy } from './row-notes.ts';
import { ledgerAsRunsFindIt } from './waiting.ts';

/** A source row and everything it has become. */
export interface Lineage {
  readonly flow: string;
  readonly source: string;
  readonly id: number;
  readonly key: readonly Json[];
  /** How its values begin. */
  readonly values: Readonly<Record<string, Json>>;
  /** The part of the source (a file) it stands in, and its number among the rows of that, from 0. */
  readonly part?: string;
  readonly row?: number;
  /** Keys of its rows at each sink. */
  readonly at: Readonly<Record<string, readonly string[]>>;
  /** Why it went through last; absent where it has not changed since its flow first ran. */
  readonly why?: RowWhy;
  /** The last run of its flow. */
  readonly last: Pass;
  /** The last runs over all rows in which it went through since `why`, the latest first. */
  readonly passes: readonly Pass[];
  readonly matched: 'source' | 'sink';
}

const flowsOf = (ledger: Ledger): [string, FlowState][] =>
  ledger.metaNames().flatMap(name => {
    if (!name.startsWith('flow:')) return [];
    const state = ledger.meta<FlowState>(name);
    return state ? [[name.slice(5), state]] : [];
  });

/** A source row, by its id. */
export interface Root {
  readonly source: string;
  readonly id: number;
}

/** The source rows that a key means: a source's key, or a unit's at a sink. @param roots rows that it means besides */
export function findRows(ledger: Ledger, key: string, roots: readonly Root[] = []): Lineage[] {
  const found: Lineage[] = [];
  for (const [flow, state] of flowsOf(ledger)) {
    const sources = Object.entries(state.steps).filter(([, s]) => s.shape === 'source');
    const sinks = Object.entries(state.steps).filter(([, s]) => s.shape === 'sink');
    for (const [source, { slot }] of sources) {
      const ids: { id: number; matched: Lineage['matched'] }[] = sourceRows(ledger, slot, key).map(id => ({
        id,
        matched: 'source',
      }));
      if (ids.length === 0) {
        for (const [, sink] of sinks) {
          const id = sourceRowOf(ledger, state, sink, source, key);
          if (id !== undefined && !ids.some(f => f.id === id)) ids.push({ id, matched: 'sink' });
        }
      }
      for (const root of roots)
        if (root.source === source && !ids.some(f => f.id === root.id))
          ids.push({ id: root.id, matched: 'source' });
      for (const { id, matched } of ids) {
        const line = lineage(ledger, flow, state, source, slot, sinks, id);
        if (line) found.push({ ...line, matched });
      }
    }
  }
  return found;
}

// keys are hashed in the rows table, so a text is held against the keys themselves
function sourceRows(ledger: Ledger, slot: number, key: string): number[] {
  const ids: number[] = [];
  const layouts = layoutsOf(ledger, slot);
  for (const { key: id, value } of ledger.entries(TABLE.keys, slot)) {
    const { key: parts } = described(value, layouts);
    if (typedKey(parts) === key) ids.push(id.readUInt32BE(0));
  }
  return ids;
}

/** The source row that a row at a step comes from, through the streams between. */
function sourceRowOf(
  ledger: Ledger,
  state: FlowState,
  step: StepState,
  source: string,
  key: string,
): number | undefined {
  const id = rootOfChild(ledger, step.slot, key);
  if (id === undefined || step.root === undefined) return undefined;
  if (step.root === source) return id;
  const stream = state.steps[step.root];
  if (!stream || stream.shape === 'source') return undefined;
  const entry = ledger.get(tableKey(TABLE.keys, stream.slot, idBytes(id)));
  return (
    entry &&
    sourceRowOf(ledger, state, stream, source, keyText(described(entry, layoutsOf(ledger, stream.slot)).key))
  );
}

/** Ids that a source row's rows have at the step that a sink's rows come from one by one. */
function idsAt(
  ledger: Ledger,
  state: FlowState,
  root: string | undefined,
  source: string,
  id: number,
): number[] {
  if (root === undefined) return [];
  if (root === source) return [id];
  const stream = state.steps[root];
  if (!stream || stream.shape === 'source') return [];
  return idsAt(ledger, state, stream.root, source, id).flatMap(before => {
    const children = ledger.get(tableKey(TABLE.children, stream.slot, idBytes(before)));
    const keys = new Set(children ? decodeChildren(children).map(c => c.key) : []);
    if (keys.size === 0) return [];
    const layouts = layoutsOf(ledger, stream.slot);
    return [...ledger.entries(TABLE.keys, stream.slot)].flatMap(({ key, value }) =>
      keys.has(keyText(described(value, layouts).key)) ? [key.readUInt32BE(0)] : [],
    );
  });
}

function rootOfChild(ledger: Ledger, slot: number, key: string): number | undefined {
  for (const { key: root, value } of ledger.entries(TABLE.children, slot)) {
    if (root.length === 4 && decodeChildren(value).some(c => c.key === key)) return root.readUInt32BE(0);
  }
  return undefined;
}

function lineage(
  ledger: Ledger,
  flow: string,
  state: FlowState,
  source: string,
  slot: number,
  sinks: readonly (readonly [string, StepState])[],
  id: number,
): Omit<Lineage, 'matched'> | undefined {
  const entry = ledger.get(tableKey(TABLE.keys, slot, idBytes(id)));
  if (!entry) return undefined;
  const place = placeOf(ledger, slot, id);
  const entryOfWhy = ledger.get(tableKey(TABLE.why, slot, idBytes(id)));
  const why = entryOfWhy && (JSON.parse(entryOfWhy.toString('utf8')) as RowWhy);
  const at = sinks.flatMap(([step, sink]) => {
    const keys = idsAt(ledger, state, sink.root, source, id).flatMap(root => {
      const children = ledger.get(tableKey(TABLE.children, sink.slot, idBytes(root)));
      return children ? decodeChildren(children).map(c => c.key) : [];
    });
    return keys.length ? [[step, keys] as const] : [];
  });
  return {
    flow,
    source,
    id,
    ...described(entry, layoutsOf(ledger, slot)),
    ...place,
    at: Object.fromEntries(at),
    why,
    last: state.last,
    passes: (state.passes ?? []).filter(p => why === undefined || isSince(p, why)),
  };
}

// ids of runs begin with the second they began in
const SECOND = '20260101T000000'.length;
const isSince = ({ run }: Pass, why: RowWhy): boolean =>
  run !== undefined && run.slice(0, SECOND) >= why.run.slice(0, SECOND);

function placeOf(ledger: Ledger, slot: number, id: number): { part?: string; row?: number } {
  for (const { name, ids } of partsOf(ledger, slot)) {
    const row = ids.indexOf(id);
    if (row >= 0) return { part: name || undefined, row };
  }
  return {};
}

/** The flows of which no row is remembered, since they write all they give whole. */
export async function flowsWithoutRows(folder: string): Promise<string[]> {
  const ledger = await ledgerAsRunsFindIt(folder);
  try {
    return flowsOf(ledger).flatMap(([flow, { rows }]) => (rows === false ? [flow] : []));
  } finally {
    await ledger.close();
  }
}

/** Sinks behind steps that work over all rows (a join, say) that have a row of this key: its source row is not known. */
export async function sinksBehindAll(folder: string, key: string): Promise<string[]> {
  const ledger = await ledgerAsRunsFindIt(folder);
  try {
    return flowsOf(ledger).flatMap(([, { steps }]) =>
      Object.entries(steps).flatMap(([id, { shape, root, slot }]) => {
        if (shape !== 'sink' || root !== undefined) return [];
        for (const { value } of ledger.entries(TABLE.children, slot))
          if (decodeChildren(value).some(child => child.key === key)) return [id];
        return [];
      }),
    );
  } finally {
    await ledger.close();
  }
}

/** Opens a pipeline's ledger, looks the key up, and closes it. @param roots see {@link findRows} */
export async function findInState(
  folder: string,
  key: string,
  roots: readonly Root[] = [],
): Promise<Lineage[]> {
  const ledger = await ledgerAsRunsFindIt(folder);
  try {
    const { formerFormat } = ledger;
    if (formerFormat !== undefined) {
      throw new UserError(
        `${ledger.path} is of format ${formerFormat}, which this version does not go on from`,
        { help: 'run the pipeline: everything is done anew, and rows are known after that' },
      );
    }
    return findRows(ledger, key, roots);
  } finally {
    await ledger.close();
  }
}
