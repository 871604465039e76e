/** How two lists are merged, as something to tune: method, weight and depth of merge.hits, and the chooser it can have. */
import type { Axis, GridPoint } from '../../metrics/index.ts';
import { type Chooser, choose, type FusionMethod, fuse, trainChooser } from '../../retrieval/fusion/index.ts';
import { UsageError } from '../errors.ts';
import type { MetricsModule } from '../evaluate/measure.ts';
import { valuesOf } from './axes.ts';
import type { Side, Units } from './lists.ts';
import type { Asked } from './measure.ts';

const METHODS = ['expz', 'rrf', 'minmax', 'zscore', 'weighted', 'logistic'];
/** Values tried where none are named. `weight` is the second list's; raw scores (weighted) want larger ones. */
const DEFAULTS: Readonly<Record<string, string>> = {
  method: METHODS.join(','),
  weight: '0.1,0.2,0.3,0.5,0.7,1,1.5,2,3,10,30',
  depth: '20,50',
};

export interface Merging {
  readonly method: string;
  readonly weight: number;
  readonly depth: number;
}

/** The axes, those that are not named at their usual values; depths up to the hits there are. @throws UsageError */
export function mergingAxes(grid: readonly string[], hits: number): Axis[] {
  const named = new Map(grid.map(text => text.split(/=(.*)/s) as [string, string]));
  for (const [name, values] of named)
    if (!Object.hasOwn(DEFAULTS, name) || !values)
      throw new UsageError(`--grid ${name}${values ? `=${values}` : ''}: merging has no such parameter`, {
        help: 'wanted method=, weight= (of the second list, the first has 1) or depth=',
      });
  return Object.entries(DEFAULTS).map(([name, usual]) => {
    const given = named.get(name);
    const values =
      given === undefined && name === 'depth'
        ? [...valuesOf(name, usual).filter(v => Number(v) < hits), hits]
        : valuesOf(`--grid ${name}`, given ?? usual);
    for (const value of values) {
      const fits =
        name === 'method'
          ? METHODS.includes(String(value))
          : typeof value === 'number' &&
            (name === 'depth' ? Number.isInteger(value) && value > 0 : value >= 0);
      if (!fits)
        throw new UsageError(`--grid ${name}: ${value}`, {
          help:
            name === 'method'
              ? `methods are ${METHODS.join(', ')}`
              : `wanted ${name === 'depth' ? 'whole numbers from 1' : 'numbers from 0'}`,
        });
    }
    return { name, values };
  });
}

/** Measures ways to merge two lists by one metric. */
export class MergedQuestions {
  private readonly m: MetricsModule;
  private readonly sides: readonly [Side, Side];
  private readonly units: Units;
  private readonly asked: readonly Asked[];
  private readonly metric: string;
  /** Whether the first list holds what is asked for among its best three; NaN where nothing is known. */
  private readonly right: Float64Array;
  private readonly trained = new Map<string, Float64Array>();

  constructor(
    m: MetricsModule,
    sides: readonly [Side, Side],
    units: Units,
    asked: readonly Asked[],
    metric: string,
  ) {
    this.m = m;
    this.sides = sides;
    this.units = units;
    this.asked = asked;
    this.metric = metric;
    this.right = this.measured(i => sides[0].lists[i].keys, rightBy(metric));
  }

  /** The metric of one side alone, for every question. */
  alone(side: 0 | 1): Float64Array {
    return this.measured(i => this.sides[side].lists[i].keys, [this.metric]);
  }

  values({ method, weight, depth }: Merging, mayLearn: (i: number) => boolean = () => true): Float64Array {
    const [a, b] = this.sides;
    if (method === 'logistic') {
      // other weights make no other chooser
      const key = `${depth} ${this.asked.map((_, i) => Number(mayLearn(i))).join('')}`;
      const known = this.trained.get(key);
      if (known !== undefined) return known;
      const chooser = this.chooser(depth, mayLearn);
      const values = this.measured(i => choose(chooser, a.lists[i], b.lists[i], depth).keys, [this.metric]);
      this.trained.set(key, values);
      return values;
    }
    const how = { method: method as FusionMethod, weights: [1, weight], depth };
    return this.measured(i => fuse([a.lists[i], b.lists[i]], how).keys, [this.metric]);
  }

  /** Trained on the questions that may be learnt from; where they are all of one kind, it says that kind. */
  chooser(depth: number, mayLearn: (i: number) => boolean = () => true): Chooser {
    const examples = this.sides[0].lists.flatMap((list, i) =>
      mayLearn(i) && !Number.isNaN(this.right[i])
        ? [{ scores: Array.from(list.scores).slice(0, depth), right: this.right[i] > 0 }]
        : [],
    );
    const right = examples.filter(e => e.right).length;
    if (right === 0 || right === examples.length)
      return { weights: [0, 0, 0], bias: examples.length > 0 && right === 0 ? -1 : 1 };
    return trainChooser(examples);
  }

  private measured(keysOf: (i: number) => readonly string[], names: readonly string[]): Float64Array {
    const cutoff = Number(/@(\d+)$/.exec(names[0])?.[1] ?? 10);
    const depth = Number(/@(\d+)$/.exec(names[0])?.[1] ?? 100);
    const needsTexts = /^(answer|mar)/.test(names[0]);
    const metrics = new this.m.RankingMetrics({
      k: [cutoff],
      recall: [cutoff],
      mrr: [cutoff],
      ndcg: [cutoff],
      mar: names[0].startsWith('mar'),
      curveDepth: 1,
    });
    this.asked.forEach(({ questionId, judged: { answers, ...known } }, i) => {
      const keys = keysOf(i).slice(0, depth);
      metrics.add({
        questionId,
        ...known,
        ...(needsTexts ? { answers } : {}),
        hits: {
          docIds: keys.map(key => this.units.docs.get(key) as string),
          ...(needsTexts ? { texts: keys.map(key => this.units.texts.get(key) ?? '') } : {}),
        },
      });
    });
    const name = names.find(n => metrics.names.includes(n));
    if (name === undefined)
      throw new UsageError(`--metric ${this.metric}: these questions do not have it`, {
        help: `there are ${metrics.names.join(', ') || 'none: they have neither answers nor doc_ids'}`,
      });
    return metrics.values(name);
  }
}

/** What a chooser learns to tell: whether the best three of the first list hold what is asked for. */
const rightBy = (metric: string): string[] =>
  /^(answer|mar)/.test(metric) ? ['answer@3'] : ['gold@3', 'success@3'];

export const mergingAt = (axes: readonly Axis[], point: GridPoint): Merging =>
  Object.fromEntries(axes.map(({ name, values }, axis) => [name, values[point[axis]]])) as never;

/** Parameters that the method has none of are left out: ways that differ in nothing else are one. */
export function shownMerging({ method, weight, depth }: Merging): Record<string, string | number> {
  return { method, ...(method === 'logistic' ? {} : { weight }), depth };
}

/** A step with these parameters: YAML and TypeScript at once. */
export function asStep({ method, weight, depth }: Merging, chooser: Chooser): string {
  const how =
    method === 'logistic'
      ? `chooser: { weights: [${chooser.weights.map(rounded).join(', ')}], bias: ${rounded(chooser.bias)} }`
      : `weights: [1, ${weight}]`;
  return `{ id: 'hits', op: 'merge.hits', from: ['first', 'second'], with: { method: '${method}', ${how}, depth: ${depth} } }`;
}

const rounded = (x: number): number => Number(x.toPrecision(6));
