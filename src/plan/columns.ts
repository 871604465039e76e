/** Carries columns and keys from step to step and finds what does not fit. */
import { DataType } from 'apache-arrow';
import { type Column, type Columns, sameType, typeName } from '../arrow/index.ts';
import type { EngineOperator, Params, PlanContext } from '../define/index.ts';
import { found, oneOf, pathText, some } from './describe.ts';
import type { Findings } from './findings.ts';
import { accepts, columnPath, type Lack, reportLack } from './lacks.ts';
import { operatorFailure } from './registry.ts';
import type { Draft } from './shape.ts';
import type { Node } from './wiring.ts';

/** What is known of the rows a step takes and gives. */
export interface Known {
  readonly inputs: readonly Columns[];
  readonly inputKeys: readonly (readonly string[])[];
  readonly output: Columns;
  readonly key: readonly string[];
  readonly passes: Readonly<Record<string, string>>;
  /** The step that made each column it gives. */
  readonly givenBy: ReadonlyMap<string, string>;
  /** Columns that are wrong or missing further up, which is reported there: no word about them from here on. */
  readonly doubtful: ReadonlySet<string>;
}

/** The columns of a source, looked up outside; undefined where they cannot be known. */
export type SourceColumns = (
  draft: Draft,
  op: EngineOperator,
  params: Params,
) => Promise<Columns | undefined>;

/**
 * Puts columns and keys of every step where they can be known into `known`. `nodes` are in topological order. Gives the
 * steps that others should most likely have taken their rows from.
 */
export async function carryColumns(
  nodes: readonly Node[],
  sourceColumns: SourceColumns,
  known: Map<Node, Known>,
  findings: Findings,
  ctx: PlanContext,
): Promise<Set<Node>> {
  const lacks: Lack[] = [];
  for (const node of nodes) {
    const { op, params } = node.draft;
    if (!op || !params || !node.wired) continue;
    const inputs = node.from.map(source => known.get(source));
    if (inputs.some(i => i === undefined)) continue;
    const step = new StepColumns(node, op, params, inputs as Known[], findings, lacks, ctx);
    try {
      if (op.shape !== 'source') known.set(node, step.derive());
      else {
        const columns = await sourceColumns(node.draft, op, params);
        if (columns) known.set(node, step.ofSource(columns, op.key(params)));
      }
    } catch (error) {
      if (!findings.errorAt('steps', node.draft.index)) findings.add(operatorFailure(node.draft, error));
    }
  }
  const meant = new Set<Node>();
  for (const lack of lacks) reportLack(lack, known, meant, findings);
  return meant;
}

const quoted = (name: string): string => JSON.stringify(name);

class StepColumns {
  readonly #node: Node;
  readonly #op: EngineOperator;
  readonly #params: Params;
  readonly #inputs: readonly Known[];
  readonly #findings: Findings;
  readonly #lacks: Lack[];
  readonly #ctx: PlanContext;
  readonly #doubtful = new Set<string>();

  constructor(
    node: Node,
    op: EngineOperator,
    params: Params,
    inputs: readonly Known[],
    findings: Findings,
    lacks: Lack[],
    ctx: PlanContext,
  ) {
    this.#node = node;
    this.#op = op;
    this.#params = params;
    this.#inputs = inputs;
    this.#findings = findings;
    this.#lacks = lacks;
    this.#ctx = ctx;
  }

  get #id(): string {
    return this.#node.draft.id ?? '';
  }

  ofSource(columns: Columns, key: readonly string[]): Known {
    this.#checkKey(key, columns);
    return this.#result([], columns, key, {}, new Map(Object.keys(columns).map(c => [c, this.#id])));
  }

  derive(): Known {
    const op = this.#op;
    if (op.shape === 'source') throw new Error('a source has no inputs');
    // From here on each input has what is read of it, so that one missing column is one error.
    const inputs = this.#inputs.map((input, i) => this.#checked(input, i, op.reads(this.#params, i)));
    if (op.shape === 'sink') {
      this.#needColumns(op.batchBy?.(this.#params) ?? [], inputs[0], 0);
      return this.#result(inputs, {}, [], {}, new Map());
    }
    const inputKey = this.#inputs[0].key;
    if (op.shape === 'join') {
      this.#checkOn(op.on(this.#params), inputs);
      const output = op.writes(this.#params, inputs, this.#ctx);
      const key = op.key(this.#params, inputKey);
      this.#checkKey(key, output);
      return this.#result(inputs, output, key, {}, new Map(Object.keys(output).map(c => [c, this.#id])));
    }
    const [input] = inputs;
    if (op.shape === 'map') {
      this.#needColumns(op.batchBy?.(this.#params) ?? [], input, 0);
      const tokens = this.#node.draft.run.batch?.tokens;
      if (tokens !== undefined) this.#checkTokens(op.tokens?.(this.#params), input);
    }
    const written = op.writes(this.#params, input, this.#ctx);
    const through = this.#through(op.passes?.(this.#params, input), input);
    const passes = Object.fromEntries(through.filter(([, to]) => !Object.hasOwn(written, to)));
    // A column that is written anew stays where it was.
    const kept = through.map(([from, to]): [string, Column] => [to, input[from]]);
    const output = { ...Object.fromEntries(kept), ...written };
    const key = op.key?.(this.#params, inputKey) ?? inputKey.map(k => passes[k] ?? k);
    const givenBy = new Map<string, string>();
    for (const [from, to] of Object.entries(passes)) {
      givenBy.set(to, from === to ? (this.#inputs[0].givenBy.get(from) ?? this.#id) : this.#id);
      if (this.#inputs[0].doubtful.has(from) || this.#doubtful.has(from)) this.#doubtful.add(to);
    }
    for (const name of Object.keys(written)) givenBy.set(name, this.#id);
    this.#checkKey(key, output);
    return this.#result(inputs, output, key, passes, givenBy);
  }

  #result(
    inputs: readonly Columns[],
    output: Columns,
    key: readonly string[],
    passes: Readonly<Record<string, string>>,
    givenBy: ReadonlyMap<string, string>,
  ): Known {
    const inputKeys = this.#inputs.map(i => i.key);
    const doubtful = new Set([...this.#doubtful, ...this.#inputs.flatMap(i => [...i.doubtful])]);
    for (const [name, giver] of givenBy)
      if (giver === this.#id && !this.#renamed(name, passes)) doubtful.delete(name);
    return { inputs, inputKeys, output, key, passes, givenBy, doubtful };
  }

  /** Whether an output column is an input column under a new name, and as doubtful as that. */
  #renamed(name: string, passes: Readonly<Record<string, string>>): boolean {
    return Object.values(passes).includes(name);
  }

  /** What the operator reads of an input; gives the input as it should have been. */
  #checked(input: Known, index: number, reads: Columns): Columns {
    const mended: Record<string, Column> = { ...input.output };
    const missing: { name: string; wanted: Column }[] = [];
    for (const [name, wanted] of Object.entries(reads)) {
      const got = Object.hasOwn(input.output, name) ? input.output[name] : undefined;
      if (got && accepts(wanted.type, got.type)) continue;
      mended[name] = wanted;
      this.#doubtful.add(name);
      if (input.doubtful.has(name)) continue;
      if (got) this.#mistyped(name, wanted, got, input);
      else missing.push({ name, wanted });
    }
    if (missing.length > 0) this.#lack(index, missing, reads);
    return mended;
  }

  #mistyped(name: string, wanted: Column, got: Column, input: Known): void {
    const giver = quoted(input.givenBy.get(name) ?? '');
    const vectors =
      DataType.isFixedSizeList(wanted.type) &&
      DataType.isFixedSizeList(got.type) &&
      wanted.type.listSize !== got.type.listSize &&
      sameType(wanted.type.children[0].type, got.type.children[0].type);
    this.#findings.add({
      path: columnPath(this.#node, name),
      code: vectors ? 'vector-dimension' : 'column-type',
      message: vectors
        ? `${this.#op.name} reads vectors of ${listSize(wanted)} numbers in column ${quoted(name)}, but ${giver} gives ${listSize(got)}`
        : `${this.#op.name} reads column ${quoted(name)} (${wantedName(wanted)}), but ${giver} gives it as ${typeName(got.type)}`,
      ...(vectors && { help: 'vectors that are compared come from one model' }),
      ...(unsized(wanted, got) && {
        help: `say how many numbers a vector has where it is read, as in columns: { ${name}: "${unsized(wanted, got)}" }`,
      }),
    });
  }

  #lack(index: number, missing: Lack['missing'], reads: Columns): void {
    const source = this.#node.from[index];
    this.#lacks.push({ node: this.#node, op: this.#op.name, source, missing, reads });
  }

  #needColumns(names: readonly string[], input: Columns, index: number): void {
    const doubtful = this.#inputs[index].doubtful;
    const missing = names.filter(n => !Object.hasOwn(input, n) && !doubtful.has(n) && !this.#doubtful.has(n));
    if (missing.length === 0) return;
    for (const name of missing) this.#doubtful.add(name);
    this.#lack(
      index,
      missing.map(name => ({ name })),
      {},
    );
  }

  #checkTokens(column: string | undefined, input: Columns): void {
    const path = ['steps', this.#node.draft.index, 'batch', 'tokens'];
    if (column === undefined) {
      const message = `batch.tokens: ${this.#op.name} does not count tokens`;
      this.#findings.add({ path, code: 'no-tokens', message, help: 'use batch.rows or batch.bytes' });
    } else this.#needColumns([column], input, 0);
  }

  #checkOn(on: readonly string[], inputs: readonly Columns[]): void {
    inputs.forEach((input, i) => {
      this.#needColumns(on, input, i);
    });
    for (const name of on) {
      if (this.#doubtful.has(name) || this.#inputs.some(i => i.doubtful.has(name))) continue;
      const first = inputs[0][name];
      const other = inputs.findIndex(input => !sameType(input[name].type, first.type));
      if (other < 0) continue;
      const ids = this.#node.from.map(n => quoted(n.draft.id ?? ''));
      this.#findings.add({
        path: ['steps', this.#node.draft.index, 'from'],
        code: 'column-type',
        message: `${this.#op.name} joins on column ${quoted(name)}, which ${ids[0]} gives as ${typeName(first.type)} and ${ids[other]} as ${typeName(inputs[other][name].type)}`,
      });
    }
  }

  /** The columns that the operator lets through, and their new names. */
  #through(declared: Readonly<Record<string, string>> | undefined, input: Columns): [string, string][] {
    const all = declared ?? Object.fromEntries(Object.keys(input).map(name => [name, name]));
    this.#needColumns(Object.keys(all), input, 0);
    return Object.entries(all).filter(([from]) => Object.hasOwn(input, from));
  }

  /** The columns that name a row must be there. */
  #checkKey(key: readonly string[], output: Columns): void {
    const lost = key.filter(k => !Object.hasOwn(output, k) && !this.#inputs.some(i => i.doubtful.has(k)));
    if (lost.length === 0 || lost.some(k => this.#doubtful.has(k))) return;
    const before = this.#inputs.some(i => lost.every(k => i.key.includes(k)));
    this.#findings.add({
      path: ['steps', this.#node.draft.index],
      code: 'missing-key',
      message: before
        ? `its rows are named by column ${oneOf(lost, 'and')}, which ${this.#op.name} does not let through`
        : `${this.#op.name} names its rows by column ${oneOf(lost, 'and')} and does not give it`,
      help: before ? 'keep it' : `it gives ${some(Object.keys(output), 12) || found(undefined)}`,
    });
    for (const k of lost) this.#doubtful.add(k);
  }
}

const listSize = (column: Column): number =>
  DataType.isFixedSizeList(column.type) ? column.type.listSize : 0;

/** For tests and explain: a column as `name Type`, with `?` where it may hold nulls, and its weight where it has one. */
export const columnText = (name: string, column: Column): string =>
  `${pathText([name])} ${typeName(column.type)}${column.nullable ? '?' : ''}${column.weight === undefined ? '' : ` (weight ${column.weight})`}`;

/** A wanted type as people read it; vectors whose length does not matter have none. */
const wantedName = (wanted: Column): string => typeName(wanted.type).replace('[0]', '[any length]');

/** How a column of lists would be read as vectors, where these are wanted. */
function unsized(wanted: Column, got: Column): string | undefined {
  const text = typeName(wanted.type);
  if (!/^(List<)?FixedSizeList/.test(text) || !(DataType.isList(got.type) || DataType.isUtf8(got.type)))
    return undefined;
  // lists of lists are guessed as JSON text
  if (DataType.isFixedSizeList(wanted.type)) return 'fixed<3,float32>';
  return 'list<fixed<3,float32>>';
}
