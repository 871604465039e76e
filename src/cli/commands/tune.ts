import { resolve } from 'node:path';
import type { Axis, Comparison, GridPoint, Tuning } from '../../metrics/index.ts';
import type { ScoringSpec } from '../../retrieval/sparse/index.ts';
import { defineCommand, type Io, oneText, wholeNumber } from '../command.ts';
import { EXIT, isExpected, UsageError } from '../errors.ts';
import type { GoldFile } from '../evaluate/files.ts';
import { writePlots } from '../reports.ts';
import { similaritySpec } from '../search-options.ts';
import { count, counted, right, tableLines } from '../table.ts';
import { axesOf, type Parameters, specAt, withGiven } from '../tune/axes.ts';
import { type Asked, QuestionSet } from '../tune/measure.ts';

/** Points shown of a table. */
const SHOWN = 10;
const PROGRESS_MS = 5000;

interface Outcome {
  axes: readonly Axis[];
  start: GridPoint;
  tuning: Tuning;
  tried: { parameters: Parameters; value: number; point: GridPoint }[];
  comparison: Comparison;
}

function askedOf(gold: GoldFile, qrels: GoldFile | undefined, shown: string): Asked[] {
  const asked: Asked[] = [];
  for (const [questionId, { question, ...judged }] of gold.judged) {
    const known = qrels === undefined ? judged : (qrels.judged.get(questionId) ?? {});
    if (question !== undefined && question !== '') asked.push({ questionId, question, judged: known });
  }
  if (asked.length < 2)
    throw new UsageError(`tune: ${shown} has ${counted(asked.length, 'question')} with a text`, {
      help: 'wanted rows with question_id, question and doc_ids (or answers, or --qrels FILE)',
    });
  return asked;
}

const shownParameters = (parameters: Parameters): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

const asOption = (name: string, parameters: Parameters): string =>
  `${name}:${Object.entries(parameters)
    .map(([p, value]) => `${p}=${value}`)
    .join(',')}`;

/** How often each point was chosen, the most frequent first. */
function chosenLine(axes: readonly Axis[], base: ScoringSpec, chosen: readonly GridPoint[]): string {
  const counts = new Map<string, number>();
  for (const point of chosen) {
    const text = shownParameters(specAt(base, axes, point).parameters);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([text, n]) => `${text} (${n} of ${chosen.length})`)
    .join('; ');
}

const signed = (x: number): string => `${x >= 0 ? '+' : ''}${x.toFixed(4)}`;

/** Whether a gain is there on questions that were not looked at. */
export const isGain = (c: Pick<Comparison, 'difference' | 'p'>): boolean => c.difference > 0 && c.p < 0.05;

function print(
  outcome: Outcome,
  name: string,
  base: ScoringSpec,
  metric: string,
  folds: number,
  io: Io,
): void {
  const { axes, start, tuning, comparison } = outcome;
  const tried = [...outcome.tried].sort((a, b) => b.value - a.value);
  const isAt = (a: GridPoint, b: GridPoint): boolean => a.every((at, i) => at === b[i]);
  const best = tried.findIndex(t => isAt(t.point, tuning.best));
  tried.unshift(...tried.splice(best, 1));
  const shown = tried.slice(0, SHOWN);
  const given = tried.find(t => isAt(t.point, start));
  if (given && !shown.includes(given)) shown.push(given);
  const note = (point: GridPoint): string =>
    [isAt(point, tuning.best) ? 'best' : '', isAt(point, start) ? 'as given' : '']
      .filter(t => t !== '')
      .join(', ');
  const rows = shown.map(t => [
    ...axes.map(axis => String(t.parameters[axis.name])),
    t.value.toFixed(4),
    io.style.dim(note(t.point)),
  ]);
  const columns = [...axes.map(axis => right(axis.name)), right(metric), right('')];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
  io.out('');
  const c = comparison;
  io.out(
    `cross-validated (${folds} folds): ${c.second.toFixed(4)} against ${c.first.toFixed(4)} as given, ${signed(c.difference)} ` +
      `(95% ${signed(c.low)} – ${signed(c.high)}), p ${c.p < 0.0001 ? '< .0001' : c.p.toFixed(4)}, won ${c.wins}, lost ${c.losses}`,
  );
  io.out(`chosen in the folds: ${chosenLine(axes, base, tuning.chosen)}`);
  const { parameters } = specAt(base, axes, tuning.best);
  if (isGain(c)) {
    io.out(io.style.green('the gain is more than chance gives, on questions that were not looked at'));
    io.out(`use it: --similarity ${asOption(name, parameters)}`);
  } else
    io.out(io.style.yellow('the gain is inside the noise: keep what you have, or tune on more questions'));
}

/** Mean by the first two axes, at the best of the others; one axis gives a row. */
async function heatMap(outcome: Outcome, name: string, metric: string): Promise<Record<string, string>> {
  const { axes, tuning, tried } = outcome;
  const m = await import('../../metrics/index.ts');
  const [first, second] = axes;
  const rows = second === undefined ? [''] : second.values.map(String);
  const values = rows.map((_, r) =>
    first.values.map((__, c) => {
      const point = tuning.best.map((at, axis) => (axis === 0 ? c : axis === 1 ? r : at));
      return tried.find(t => t.point.every((at, i) => at === point[i]))?.value ?? Number.NaN;
    }),
  );
  const fixed = axes.slice(2).map((axis, i) => `${axis.name} ${axis.values[tuning.best[i + 2]]}`);
  const svg = await m.heatMapSvg({
    title: `${metric} of ${name}${fixed.length > 0 ? `, ${fixed.join(', ')}` : ''}`,
    x: { label: first.name, names: first.values.map(String) },
    y: { label: second?.name ?? '', names: rows },
    values,
    value: { label: metric, decimals: 3 },
  });
  return { [`tune-${name}`]: svg };
}

export const command = defineCommand({
  usage: 'tune <index> <questions>',
  summary: 'Tries parameters of a similarity on a set of questions, and says whether the gain is real.',
  text:
    'Questions are a file (.jsonl, .csv, .parquet, .arrow, .json in SQuAD format) with question_id, question and doc_ids or\n' +
    'answers, or dataset:NAME. The best parameters are chosen once over all questions and once for each fold over the\n' +
    'others; the gain is that on the questions held back, with a paired randomisation test.',
  build: y =>
    y
      .positional('index', { type: 'string', demandOption: true, describe: 'the folder of the index' })
      .positional('questions', {
        type: 'string',
        demandOption: true,
        describe: 'questions with their gold documents or answers, or dataset:NAME',
      })
      .option('similarity', {
        type: 'string',
        requiresArg: true,
        default: 'lucene',
        coerce: (value: unknown) => oneText('--similarity')(value) as string,
        describe: 'what is tuned, and where it starts: a name, or name:parameter=value,…',
      })
      .option('grid', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'PARAMETER=FROM:TO:STEP or PARAMETER=VALUE,VALUE…; once a parameter',
      })
      .option('search', {
        choices: ['grid', 'coordinate'] as const,
        default: 'grid' as const,
        describe: 'grid: all points; coordinate: one parameter after the other, until none helps',
      })
      .option('metric', {
        type: 'string',
        requiresArg: true,
        default: 'gold@1',
        coerce: (value: unknown) => oneText('--metric')(value) as string,
        describe: 'what is made as high as can be: gold@1, answer@5, ndcg@10, mrr@10, map, …',
      })
      .option('qrels', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--qrels'),
        describe: 'which documents are relevant, where the questions do not say it',
      })
      .option('folds', {
        type: 'string',
        requiresArg: true,
        default: 5,
        coerce: (value: unknown) => wholeNumber('--folds', 2)(value) as number,
        describe: 'parts of the questions for cross-validation',
      })
      .option('depth', {
        type: 'string',
        requiresArg: true,
        coerce: wholeNumber('--depth'),
        describe: 'hits a question (default: what the metric needs, 100 for map)',
      })
      .option('limit', {
        type: 'string',
        requiresArg: true,
        coerce: wholeNumber('--limit'),
        describe: 'use this many of the questions, spread over the file',
      })
      .option('seed', {
        type: 'string',
        requiresArg: true,
        default: 1,
        coerce: (value: unknown) => wholeNumber('--seed', 0)(value) as number,
        describe: 'of the folds',
      })
      .option('plots', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--plots'),
        describe: 'a folder to write a heat map into, as SVG',
      })
      .example('$0 indexes/wiki questions.jsonl', 'k1 and b of BM25')
      .example('$0 indexes/wiki dataset:factbook --grid k1=0.5:2:0.5 --grid b=0.2,0.4,0.75', 'chosen values')
      .example(
        '$0 indexes/wiki q.jsonl --similarity bm25f --grid weights.title=0,0.5,1,2,4 --search coordinate',
        'the weight of titles',
      ),
  run: async (args, io) => {
    const base = similaritySpec(args.similarity);
    const name = typeof base === 'string' ? base : base.name;
    const [m, files, sparse] = await Promise.all([
      import('../../metrics/index.ts'),
      import('../evaluate/files.ts'),
      import('../../retrieval/sparse/index.ts'),
    ]);
    const definition = sparse.similarities.get(name);
    const { axes, start } = withGiven(axesOf(name, args.grid), {
      ...(definition?.defaults ?? (name === 'bm25f' ? { k1: 1.2, b: 0.75 } : {})),
      ...(typeof base === 'string' ? {} : flat(base)),
      ...(name === 'bm25f' ? unitWeights(args.grid, base) : {}),
    });
    const points = args.search === 'grid' ? m.gridPoints(axes) : [start];
    try {
      for (const point of points) sparse.resolveScoring(specAt(base, axes, point).spec);
    } catch (error) {
      if (!isExpected(error)) throw error;
      throw new UsageError(`tune: ${error.message}`);
    }
    const qrels = args.qrels === undefined ? undefined : await files.readGoldFile(args.qrels, args.root);
    const all = askedOf(await files.readGoldFile(args.questions, args.root), qrels, args.questions);
    const limit = Math.min(args.limit ?? all.length, all.length);
    const asked = Array.from({ length: limit }, (_, i) => all[Math.floor((i * all.length) / limit)]);
    const cutoff = Number(/@(\d+)$/.exec(args.metric)?.[1] ?? 100);
    const index = await sparse.SparseIndex.open(resolve(args.root, args.index));
    try {
      const set = new QuestionSet(m, index, asked, args.metric, args.depth ?? cutoff);
      const tried: Outcome['tried'] = [];
      const given: { values?: Float64Array } = {};
      let said = Date.now();
      const measure = (point: GridPoint): Float64Array => {
        const { spec, parameters } = specAt(base, axes, point);
        const values = set.values(spec);
        const known = values.filter(v => !Number.isNaN(v));
        tried.push({ parameters, point, value: known.reduce((sum, v) => sum + v, 0) / known.length });
        if (point.every((at, i) => at === start[i])) given.values = values;
        if (Date.now() - said > PROGRESS_MS) {
          said = Date.now();
          io.err(
            `tried ${count(tried.length)}${args.search === 'grid' ? ` of ${count(points.length)}` : ''} points`,
          );
        }
        return values;
      };
      const tuning = m.tuneParameters(axes, measure, {
        folds: args.folds,
        seed: args.seed,
        search: args.search,
        start,
      });
      const comparison = m.compareRuns(
        given.values ?? set.values(specAt(base, axes, start).spec),
        tuning.held,
      );
      const outcome: Outcome = { axes, start, tuning, tried, comparison };
      const plots = args.plots
        ? await writePlots(args.plots, args.root, await heatMap(outcome, name, args.metric))
        : {};
      if (args.json) {
        io.json({
          index: args.index,
          similarity: base,
          metric: args.metric,
          questions: comparison.questions,
          points: tried.map(({ parameters, value }) => ({ parameters, value })),
          best: { parameters: specAt(base, axes, tuning.best).parameters, value: tuning.mean },
          crossValidation: {
            folds: args.folds,
            chosen: tuning.chosen.map(point => specAt(base, axes, point).parameters),
            ...comparison,
          },
          gain: isGain(comparison),
          ...(args.plots ? { plots } : {}),
        });
        return EXIT.ok;
      }
      print(outcome, name, base, args.metric, args.folds, io);
      io.err(`${counted(comparison.questions, 'question')}, ${counted(tried.length, 'point')} of ${name}`);
      for (const path of Object.values(plots)) io.err(`wrote ${path}`);
      return EXIT.ok;
    } finally {
      index.close();
    }
  },
});

/** Parameters of a spec by name; those of an object as `weights.title`. */
function flat(spec: object): Record<string, number | string | boolean> {
  const out: Record<string, number | string | boolean> = {};
  for (const [name, value] of Object.entries(spec)) {
    if (typeof value === 'object' && value !== null)
      for (const [inner, v] of Object.entries(value)) out[`${name}.${inner}`] = v as number;
    else if (name !== 'name') out[name] = value as number;
  }
  return out;
}

/** Fields of bm25f weigh 1 where nothing is said. */
function unitWeights(grid: readonly string[], base: ScoringSpec): Record<string, number> {
  const given = typeof base === 'string' ? {} : flat(base);
  const names = grid.map(text => text.split('=')[0]).filter(name => name.startsWith('weights.'));
  return Object.fromEntries(names.filter(name => given[name] === undefined).map(name => [name, 1]));
}
