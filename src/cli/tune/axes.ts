/** Which parameters a tuner tries, and at which values. */
import type { Axis, GridPoint } from '../../metrics/index.ts';
import type { ScoringSpec } from '../../retrieval/sparse/index.ts';
import { UsageError } from '../errors.ts';

export type Parameters = Readonly<Record<string, number | string | boolean>>;

const K1 = '0.4:2.4:0.4';
const B = '0:1:0.1';
/** Values tried where none are named. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  okapi: { k1: K1, b: B },
  robertson: { k1: K1, b: B },
  lucene: { k1: K1, b: B },
  bm25: { k1: K1, b: B },
  atire: { k1: K1, b: B },
  bm25l: { k1: K1, b: B, delta: '0.25,0.5,1' },
  'bm25+': { k1: K1, b: B, delta: '0.25,0.5,1' },
  'bm25-adpt': { b: B },
  bm25t: { b: B },
  tfldp: { b: B, delta: '0.1,0.5,1,1.5' },
  'lm-dirichlet': { mu: '50,100,200,500,1000,2000,4000' },
  'lm-jm': { lambda: '0.1:0.9:0.1' },
  bm25f: { k1: K1, b: B },
};

/** `0.4:2:0.2` (from, to, step), or a list parted by commas. */
export function valuesOf(option: string, text: string): (number | string | boolean)[] {
  const range = /^(-?[\d.]+):(-?[\d.]+):([\d.]+)$/.exec(text);
  if (range !== null) {
    const [from, to, step] = range.slice(1).map(Number);
    const count = Math.floor((to - from) / step + 1e-9) + 1;
    if (!(step > 0) || !(count >= 1 && count <= 1000))
      throw new UsageError(`${option}: ${text} is no range`, {
        help: 'wanted from:to:step, such as 0:1:0.1',
      });
    return Array.from({ length: count }, (_, i) => Number((from + i * step).toPrecision(12)));
  }
  return text.split(',').map(value => {
    if (value === 'true' || value === 'false') return value === 'true';
    if (value.trim() === '') throw new UsageError(`${option}: a value is empty`);
    return Number.isNaN(Number(value)) ? value : Number(value);
  });
}

/** The axes of a similarity: those that are named, else the usual ones. */
export function axesOf(name: string, grid: readonly string[]): Axis[] {
  const named = grid.map(text => {
    const [parameter, values] = text.split(/=(.*)/s);
    if (!values)
      throw new UsageError(`--grid ${text}: wanted PARAMETER=VALUES`, {
        help: 'for example --grid b=0:1:0.1',
      });
    return [parameter, values] as const;
  });
  const chosen = named.length > 0 ? named : Object.entries(DEFAULTS[name] ?? {});
  if (chosen.length === 0)
    throw new UsageError(`tune: nothing of ${name} is tried by itself`, {
      help: 'name parameters and values: --grid weights.title=0.5,1,2,4',
    });
  return chosen.map(([parameter, values]) => ({
    name: parameter,
    values: valuesOf(`--grid ${parameter}`, values),
  }));
}

/** The axes with a given value of each among its values, and the point of these values. */
export function withGiven(axes: readonly Axis[], given: Parameters): { axes: Axis[]; start: GridPoint } {
  const wider = axes.map(({ name, values }) => {
    const value = given[name];
    if (value === undefined || values.includes(value)) return { name, values };
    const all = [...values, value];
    if (all.every(v => typeof v === 'number')) all.sort((a, b) => Number(a) - Number(b));
    return { name, values: all };
  });
  return { axes: wider, start: wider.map(({ name, values }) => Math.max(0, values.indexOf(given[name]))) };
}

/** A similarity with parameters put in; `weights.title` is title of weights. */
export function specAt(
  base: ScoringSpec,
  axes: readonly Axis[],
  point: GridPoint,
): { spec: ScoringSpec; parameters: Record<string, number | string | boolean> } {
  const spec: Record<string, unknown> = { ...(typeof base === 'string' ? { name: base } : base) };
  const parameters: Record<string, number | string | boolean> = {};
  axes.forEach(({ name, values }, axis) => {
    const value = values[point[axis]];
    parameters[name] = value;
    const [outer, inner] = name.split('.');
    if (inner === undefined) spec[outer] = value;
    else spec[outer] = { ...(spec[outer] as object | undefined), [inner]: value };
  });
  return { spec: spec as ScoringSpec, parameters };
}

/** Parameters of a spec by name; those of an object as `weights.title`. */
export function flat(spec: object): Record<string, number | string | boolean> {
  const out: Record<string, number | string | boolean> = {};
  for (const [name, value] of Object.entries(spec)) {
    if (typeof value === 'object' && value !== null)
      for (const [inner, v] of Object.entries(value)) out[`${name}.${inner}`] = v as number;
    else if (name !== 'name') out[name] = value as number;
  }
  return out;
}

/** Fields of bm25f weigh 1 where nothing is said. */
export function unitWeights(grid: readonly string[], base: ScoringSpec): Record<string, number> {
  const given = typeof base === 'string' ? {} : flat(base);
  const names = grid.map(text => text.split('=')[0]).filter(name => name.startsWith('weights.'));
  return Object.fromEntries(names.filter(name => given[name] === undefined).map(name => [name, 1]));
}
