/** What can be tuned: a similarity of an index of words, or how hits of two indexes are merged. */
import { resolve } from 'node:path';
import type { Axis, GridPoint } from '../../metrics/index.ts';
import type { Io } from '../command.ts';
import { isExpected, UsageError } from '../errors.ts';
import type { MetricsModule } from '../evaluate/measure.ts';
import { similaritySpec } from '../search-options.ts';
import { axesOf, flat, type Parameters, specAt, unitWeights, withGiven } from './axes.ts';
import { type Asked, QuestionSet } from './measure.ts';
import { heldBack, isGain, type Outcome } from './outcome.ts';

export interface TuneArgs {
  readonly root: string;
  readonly index: string;
  readonly similarity: string;
  readonly merge?: string;
  readonly model?: string;
  readonly grid: readonly string[];
  readonly search: 'grid' | 'coordinate';
  readonly metric: string;
  readonly depth?: number;
  readonly folds: number;
}

/** Questions with all that is needed to measure a point on them. */
export interface OpenSet {
  values(point: GridPoint, mayLearn?: (question: number) => boolean): Float64Array;
  learns?(point: GridPoint): boolean;
  /** How a point is used. */
  use(point: GridPoint): string;
  /** What else there is to say. */
  further?(outcome: Outcome): { lines: string[]; data: Readonly<Record<string, unknown>> };
  close?(): void;
}

export interface Subject {
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly start: GridPoint;
  /** What JSON says of it. */
  readonly said: Readonly<Record<string, unknown>>;
  parametersAt(point: GridPoint): Parameters;
  open(asked: readonly Asked[], io: Io): Promise<OpenSet>;
}

const asOption = (name: string, parameters: Parameters): string =>
  `${name}:${Object.entries(parameters)
    .map(([p, value]) => `${p}=${value}`)
    .join(',')}`;

/** @throws UsageError on parameters that the similarity does not have */
export async function similarityOf(m: MetricsModule, args: TuneArgs): Promise<Subject> {
  const base = similaritySpec(args.similarity);
  const name = typeof base === 'string' ? base : base.name;
  const sparse = await import('../../retrieval/sparse/index.ts');
  const definition = sparse.similarities.get(name);
  const { axes, start } = withGiven(axesOf(name, args.grid), {
    ...(definition?.defaults ?? (name === 'bm25f' ? { k1: 1.2, b: 0.75 } : {})),
    ...(typeof base === 'string' ? {} : flat(base)),
    ...(name === 'bm25f' ? unitWeights(args.grid, base) : {}),
  });
  try {
    for (const point of args.search === 'grid' ? m.gridPoints(axes) : [start])
      sparse.resolveScoring(specAt(base, axes, point).spec);
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new UsageError(`tune: ${error.message}`);
  }
  const parametersAt = (point: GridPoint): Parameters => specAt(base, axes, point).parameters;
  return {
    name,
    axes,
    start,
    said: { similarity: base },
    parametersAt,
    open: async asked => {
      const cutoff = Number(/@(\d+)$/.exec(args.metric)?.[1] ?? 100);
      const index = await sparse.SparseIndex.open(resolve(args.root, args.index));
      const set = new QuestionSet(m, index, asked, args.metric, args.depth ?? cutoff);
      return {
        values: point => set.values(specAt(base, axes, point).spec),
        use: point => `--similarity ${asOption(name, parametersAt(point))}`,
        close: () => index.close(),
      };
    },
  };
}

/** Hits of each index where nothing is said: as many as the pipelines ask for. */
const HITS = 100;
const PROGRESS_MS = 5000;

/** @throws UsageError on parameters that merging does not have */
export async function mergingOf(m: MetricsModule, args: TuneArgs): Promise<Subject> {
  const [merging, { bothSides, weightOf }] = await Promise.all([
    import('./merging.ts'),
    import('./lists.ts'),
  ]);
  const second = args.merge as string;
  const hits = args.depth ?? HITS;
  const { axes, start } = withGiven(merging.mergingAxes(args.grid, hits), {
    method: 'expz',
    weight: await weightOf(second, args.model, args.root),
    depth: hits,
  });
  const at = (point: GridPoint) => merging.mergingAt(axes, point);
  if (args.folds < 3 && axes[0].values.includes('logistic'))
    throw new UsageError(`--folds ${args.folds}: wanted 3 or more to train method logistic`, {
      help: 'or leave it out: --grid method=expz,rrf,minmax,zscore,weighted',
    });
  return {
    name: 'merging',
    axes,
    start,
    said: { merge: second },
    parametersAt: point => merging.shownMerging(at(point)),
    open: async (asked, io) => {
      let said = Date.now();
      const { sides, units } = await bothSides(
        args.index,
        second,
        asked.map(a => a.question),
        {
          root: args.root,
          depth: hits,
          model: args.model,
          similarity: similaritySpec(args.similarity),
          texts: /^(answer|mar)/.test(args.metric),
          tick: done => {
            if (Date.now() - said <= PROGRESS_MS) return;
            said = Date.now();
            io.err(`searched ${done} of ${2 * asked.length}`);
          },
        },
      );
      const set = new merging.MergedQuestions(m, sides, units, asked, args.metric);
      const step = (point: GridPoint): string => merging.asStep(at(point), set.chooser(at(point).depth));
      return {
        values: (point, mayLearn) => set.values(at(point), mayLearn),
        learns: point => at(point).method === 'logistic',
        use: step,
        further: ({ tuning, tried, comparison }) => {
          const parts = [set.alone(0), set.alone(1)];
          const means = parts.map(meanOf);
          const better = means[1] > means[0] ? 1 : 0;
          const over = m.compareRuns(parts[better], tuning.held);
          const { low, high } = m.bootstrapInterval(tuning.held.filter(v => !Number.isNaN(v)));
          const trained = tried
            .filter(t => t.parameters.method === 'logistic')
            .sort((a, b) => b.value - a.value)
            .at(0);
          const shown = trained && at(tuning.best).method !== 'logistic' ? step(trained.point) : undefined;
          const names = [args.index, second];
          return {
            lines: [
              `alone: ${names.map((name, i) => `${name} ${means[i].toFixed(4)}`).join(', ')}`,
              `merged, on questions held back: ${meanOf(tuning.held).toFixed(4)} (95% ${low.toFixed(4)} – ${high.toFixed(4)})`,
              `over ${names[better]} alone: ${heldBack(over)}`,
              ...(isGain(comparison) ? [] : [`best on all questions: ${step(tuning.best)}`]),
              ...(shown === undefined
                ? []
                : [`method logistic as trained (${trained?.value.toFixed(4)}): ${shown}`]),
            ],
            data: {
              alone: Object.fromEntries(names.map((name, i) => [name, means[i]])),
              held: { mean: meanOf(tuning.held), low, high },
              overBetter: { better: names[better], ...over },
              ...(trained ? { logistic: { value: trained.value, step: step(trained.point) } } : {}),
            },
          };
        },
      };
    },
  };
}

const meanOf = (values: Float64Array): number => {
  const known = values.filter(v => !Number.isNaN(v));
  return known.reduce((sum, v) => sum + v, 0) / known.length;
};
