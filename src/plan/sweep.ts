/**
 * One definition that runs a pipeline with several values of a parameter: the step that has it and everything that
 * depends on it stand there once a value, what lies above is shared.
 */
import { basename, dirname, join } from 'node:path';
import { type AnyOperator, type AnyStep, asEngine, type Pipeline, UserError } from '../define/index.ts';
import { hasSteps, linksOf, operatorsOf, reach, reversed } from './limit.ts';
import { markedValues } from './schema.ts';
import { parseSetting, parseValue, resolvePath, setAt } from './settings.ts';
import type { DefinitionPath } from './types.ts';

/** More variants than this are a slip of the pen, or want a machine of their own. */
const MOST_VARIANTS = 64;

/** One combination of values. */
export interface SweepVariant {
  /** `k=10, words=100`. */
  readonly label: string;
  /** What ids end in: `@k=10,words=100`. */
  readonly suffix: string;
  /** The value at each swept path, e.g. `steps.search.with.k`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Ids of this variant's steps, those that it shares with other variants included. */
  readonly steps: readonly string[];
  /** Ids of its `evaluate.*` steps. */
  readonly reports: readonly string[];
}

export interface Sweep {
  readonly definition: Pipeline;
  readonly variants: readonly SweepVariant[];
  /** Index of each step in the definition that was given: for `check`. */
  readonly origin: readonly number[];
}

interface Axis {
  readonly text: string;
  readonly path: readonly (string | number)[];
  readonly step: number;
  readonly name: string;
  readonly values: readonly unknown[];
  readonly labels: readonly string[];
}

/** Which value (by index) of each axis; undefined: the step does not depend on it. */
type Choice = readonly (number | undefined)[];

/** Cuts at the commas that are not inside brackets, braces or quotes. */
function splitValues(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '[' || c === '{') depth++;
    else if (c === ']' || c === '}') depth--;
    else if ((c === ',' && depth === 0) || c === undefined) {
      out.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (start < text.length) out.push(text.slice(start).trim());
  return out;
}

/** A value as part of an id. */
const labelOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function readAxis(definition: Pipeline, setting: string): Axis {
  const what = `--sweep ${setting}`;
  const { path: parts, value } = parseSetting(setting, '--sweep');
  const path = resolvePath(definition, parts, what);
  if (path[0] !== 'steps' || path[2] !== 'with' || path.length < 4) {
    throw new UserError(`${what}: wanted a parameter of a step: steps.ID.with.NAME=a,b`);
  }
  const texts = splitValues(value);
  if (texts.length < 2 || texts.includes('')) {
    throw new UserError(`${what}: wanted two values or more with commas between`, {
      help: 'a list in brackets is one value: [1,5],[1,10]',
    });
  }
  const values = texts.map(parseValue);
  const seen = new Set(values.map(labelOf));
  if (seen.size < values.length) throw new UserError(`${what}: a value stands there twice`);
  const safe = values.map(v => labelOf(v).replace(/[\s"\\/]+/g, '_'));
  const labels = safe.map((label, i) => (safe.indexOf(label) === i ? label : `${label}_${i}`));
  const step = path[1] as number;
  return { text: parts.join('.'), path, step, name: String(path.at(-1)), values, labels };
}

/**
 * Makes one definition of all variants. Several sweeps give every combination.
 * @param sweeps `steps.search.with.k=10,100`; a list in brackets is one value
 * @throws UserError for paths that lead nowhere, fewer than two values, or more than 64 combinations
 */
export function sweep(
  definition: Pipeline,
  sweeps: readonly string[],
  { operators }: { readonly operators: readonly AnyOperator[] },
): Sweep {
  if (!hasSteps(definition)) return { definition, variants: [], origin: [] };
  const axes = sweeps.map(s => readAxis(definition, s));
  const twice = axes.find((a, i) => axes.some((b, j) => j < i && b.path.join('.') === a.path.join('.')));
  if (twice) throw new UserError(`--sweep: ${twice.text} is swept twice`);
  const count = axes.reduce((n, a) => n * a.values.length, 1);
  if (count > MOST_VARIANTS) {
    const product = axes.map(a => a.values.length).join(' × ');
    throw new UserError(`--sweep: ${product} = ${count} variants, at most ${MOST_VARIANTS} run at once`, {
      help: 'sweep fewer values, or one parameter after the other',
    });
  }
  return new Sweeper(definition, axes, operators).make();
}

class Sweeper {
  readonly #definition: Pipeline;
  readonly #axes: readonly Axis[];
  readonly #operators: ReadonlyMap<string, AnyOperator>;
  readonly #links: ReturnType<typeof linksOf>;
  /** For each axis, the steps that depend on it. */
  readonly #touched: readonly ReadonlySet<number>[];

  constructor(definition: Pipeline, axes: readonly Axis[], operators: readonly AnyOperator[]) {
    this.#definition = definition;
    this.#axes = axes;
    this.#operators = new Map(operatorsOf(definition, operators).map(op => [op.name, op]));
    this.#links = linksOf(definition.steps, s => this.#operators.get(s.op)?.shape === 'source');
    const readers = reversed(this.#links.from);
    const waiters = reversed(this.#links.after);
    this.#touched = axes.map(a => reach([a.step], i => [...readers[i], ...waiters[i]]));
  }

  make(): Sweep {
    const { steps } = this.#definition;
    const out: AnyStep[] = [];
    const origin: number[] = [];
    steps.forEach((step, i) => {
      for (const choice of this.#choices(i)) {
        out.push(this.#copy(step, i, choice));
        origin.push(i);
      }
    });
    return { definition: { ...this.#definition, steps: out }, variants: this.#variants(), origin };
  }

  /** Every combination of the axes that a step depends on. */
  #choices(step: number): Choice[] {
    return this.#axes.reduce<Choice[]>(
      (choices, axis, a) =>
        this.#touched[a].has(step)
          ? choices.flatMap(c => axis.values.map((_, v) => [...c, v]))
          : choices.map(c => [...c, undefined]),
      [[]],
    );
  }

  /** The part of a choice that another step depends on. */
  #restrict(choice: Choice, step: number): Choice {
    return choice.map((v, a) => (this.#touched[a].has(step) ? v : undefined));
  }

  #suffix(choice: Choice): string {
    const parts = choice.flatMap((v, a) =>
      v === undefined ? [] : [`${this.#nameOf(a)}=${this.#axes[a].labels[v]}`],
    );
    return parts.length > 0 ? `@${parts.join(',')}` : '';
  }

  /** The parameter's name, with the step's where two axes have one name. */
  #nameOf(axis: number): string {
    const { name, step } = this.#axes[axis];
    const alone = this.#axes.every((other, i) => i === axis || other.name !== name);
    return alone ? name : `${this.#definition.steps[step].id}.${name}`;
  }

  #idOf(step: number, choice: Choice): string {
    return this.#definition.steps[step].id + this.#suffix(this.#restrict(choice, step));
  }

  #copy(step: AnyStep, index: number, choice: Choice): AnyStep {
    const from = this.#links.from[index].map(i => this.#idOf(i, choice));
    let copy: AnyStep = { ...step, id: this.#idOf(index, choice) };
    if (from.length > 0) copy.from = from.length === 1 ? from[0] : from;
    if (step.after !== undefined)
      copy.after = this.#links.after[index].flatMap(i => this.#variantsSeen(i, choice));
    for (const [a, axis] of this.#axes.entries()) {
      const v = choice[a];
      if (axis.step === index && v !== undefined) {
        copy = setAt(copy, axis.path.slice(2), axis.values[v], `--sweep ${axis.text}`) as AnyStep;
      }
    }
    return this.#relocate(copy, index, choice);
  }

  /** The copies of a sink that a step waits for: its own variant, or all where it does not depend on the axis. */
  #variantsSeen(sink: number, choice: Choice): string[] {
    return this.#choices(sink)
      .filter(c => c.every((v, a) => v === undefined || choice[a] === undefined || choice[a] === v))
      .map(c => this.#idOf(sink, c));
  }

  /** Gives what is written, and what is read of it, a place of its own. */
  #relocate(step: AnyStep, index: number, choice: Choice): AnyStep {
    let copy = step;
    for (const { path, value, kind } of this.#locations(step)) {
      const text = value;
      const writer = kind === 'write' ? index : this.#writerOf(text, index);
      if (writer === undefined || this.#isSwept(index, path)) continue;
      const suffix = this.#suffix(this.#restrict(choice, writer));
      if (suffix !== '')
        copy = setAt(copy, ['with', ...path], withSuffix(text, suffix), '--sweep') as AnyStep;
    }
    return copy;
  }

  #isSwept(step: number, path: DefinitionPath): boolean {
    return this.#axes.some(a => a.step === step && a.path.slice(3).join('\0') === path.join('\0'));
  }

  /** The step that writes a path, where a step waits for it. */
  #writerOf(text: string, reader: number): number | undefined {
    const sinks = reach([reader], i => [...this.#links.from[i], ...this.#links.after[i]]);
    return [...sinks].find(
      i =>
        i !== reader &&
        this.#locations(this.#definition.steps[i]).some(
          l => l.kind === 'write' && join(l.value) === join(text),
        ),
    );
  }

  #locations(step: AnyStep): { path: DefinitionPath; value: string; kind: 'read' | 'write' }[] {
    const declared = this.#operators.get(step.op);
    if (!declared) return [];
    const { params } = asEngine(declared);
    const parsed = params.safeParse(step.with ?? {});
    return markedValues(params, parsed.success ? parsed.data : (step.with ?? {})).flatMap(
      ({ path, value, mark }) =>
        mark.location !== undefined && typeof value === 'string'
          ? [{ path, value, kind: mark.location }]
          : [],
    );
  }

  #variants(): SweepVariant[] {
    const { steps } = this.#definition;
    const all = this.#axes.reduce<number[][]>(
      (choices, axis) => choices.flatMap(c => axis.values.map((_, v) => [...c, v])),
      [[]],
    );
    return all.map(choice => {
      const parts = choice.map((v, a) => `${this.#nameOf(a)}=${labelOf(this.#axes[a].values[v])}`);
      const ids = steps.map((_, i) => this.#idOf(i, choice));
      return {
        label: parts.join(', '),
        suffix: this.#suffix(choice),
        values: Object.fromEntries(choice.map((v, a) => [this.#axes[a].text, this.#axes[a].values[v]])),
        steps: ids,
        reports: ids.filter((_, i) => typeof steps[i].op === 'string' && steps[i].op.startsWith('evaluate.')),
      };
    });
  }
}

/** `out/hits.jsonl.gz` becomes `out/hits@k=10.jsonl.gz`. */
function withSuffix(path: string, suffix: string): string {
  const name = basename(path);
  const dot = name.indexOf('.', 1);
  const named = dot < 0 ? name + suffix : name.slice(0, dot) + suffix + name.slice(dot);
  const folder = dirname(path);
  return folder === '.' && !path.startsWith('.')
    ? named
    : `${folder.endsWith('/') ? folder : `${folder}/`}${named}`;
}
