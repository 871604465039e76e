import type { GridPoint } from '../../metrics/index.ts';
import { defineCommand, oneText, wholeNumber } from '../command.ts';
import { EXIT } from '../errors.ts';
import { writePlots } from '../reports.ts';
import { count, counted } from '../table.ts';
import { heatMap, isGain, type Outcome, print } from '../tune/outcome.ts';
import { mergingOf, similarityOf } from '../tune/subjects.ts';

const PROGRESS_MS = 5000;

export const command = defineCommand({
  usage: 'tune <index> <questions>',
  summary: 'Tries parameters of a similarity, or of merging two indexes, and says whether the gain is real.',
  text:
    'Questions are a file (.jsonl, .csv, .parquet, .arrow, .json in SQuAD format) with question_id, question and doc_ids or\n' +
    'answers, or dataset:NAME, or dataset:NAME/SPLIT; the test split of a dataset is not looked at. The best parameters are\n' +
    'chosen once over all questions and once for each fold over the others; the gain is that on the questions held back, with\n' +
    'a paired randomisation test.\n' +
    '\n' +
    'With --merge INDEX the hits of two indexes of the same units are merged as merge.hits does, and its method, weights,\n' +
    'depth and chooser are tuned: method=, weight= (of the second index, the first has 1) and depth= in --grid. The chooser of\n' +
    'method logistic is trained for each fold on the others. The step that came out best is printed for a pipeline.',
  build: y =>
    y
      .positional('index', { type: 'string', demandOption: true, describe: 'the folder of the index' })
      .positional('questions', {
        type: 'string',
        demandOption: true,
        describe: 'questions with their gold documents or answers, or dataset:NAME[/SPLIT]',
      })
      .option('similarity', {
        type: 'string',
        requiresArg: true,
        default: 'lucene',
        coerce: (value: unknown) => oneText('--similarity')(value) as string,
        describe: 'what is tuned, and where it starts: a name, or name:parameter=value,…',
      })
      .option('merge', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--merge'),
        describe: 'a second index: what is tuned is how the hits of both are merged',
      })
      .option('model', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--model'),
        describe: 'with --merge: the encoder of an index of vectors; default: the one that the index names',
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
        describe: 'hits a question (default: what the metric needs, 100 for map; 100 with --merge)',
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
      )
      .example('$0 indexes/words questions.jsonl --merge indexes/vectors', 'how to merge both')
      .example(
        '$0 indexes/words dataset:factbook/dev --merge indexes/vectors --grid method=logistic',
        'trains a chooser',
      ),
  run: async (args, io) => {
    const [m, files, { askedOf, tuningQuestions }] = await Promise.all([
      import('../../metrics/index.ts'),
      import('../evaluate/files.ts'),
      import('../tune/questions.ts'),
    ]);
    const subject = args.merge === undefined ? await similarityOf(m, args) : await mergingOf(m, args);
    const qrels = args.qrels === undefined ? undefined : await files.readGoldFile(args.qrels, args.root);
    const gold = await tuningQuestions(args.questions, args.root, io.err);
    const all = askedOf(gold, qrels, args.questions);
    const limit = Math.min(args.limit ?? all.length, all.length);
    const asked = Array.from({ length: limit }, (_, i) => all[Math.floor((i * all.length) / limit)]);
    const { axes, start } = subject;
    const set = await subject.open(asked, io);
    try {
      const points = args.search === 'grid' ? m.gridPoints(axes).length : 0;
      const tried: Outcome['tried'][number][] = [];
      const seen = new Set<string>();
      let said = Date.now();
      const note = (point: GridPoint, values: Float64Array): void => {
        const parameters = subject.parametersAt(point);
        const key = JSON.stringify(parameters);
        if (!seen.has(key)) tried.push({ parameters, point, value: meanOf(values) });
        seen.add(key);
        if (Date.now() - said > PROGRESS_MS) {
          said = Date.now();
          io.err(`tried ${count(tried.length)}${points > 0 ? ` of ${count(points)}` : ''} points`);
        }
      };
      const given = set.values(start);
      const tuning = m.tuneParameters(
        axes,
        (point, mayLearn) => {
          const values = point.every((at, i) => at === start[i]) ? given : set.values(point, mayLearn);
          if (mayLearn === undefined) note(point, values);
          return values;
        },
        {
          folds: args.folds,
          seed: args.seed,
          search: args.search,
          start,
          learns: set.learns,
          learned: note,
        },
      );
      const outcome: Outcome = {
        name: subject.name,
        metric: args.metric,
        folds: args.folds,
        axes,
        start,
        tuning,
        tried,
        comparison: m.compareRuns(given, tuning.held),
        use: set.use(tuning.best),
        parametersAt: subject.parametersAt,
      };
      const plots = args.plots ? await writePlots(args.plots, args.root, await heatMap(outcome)) : {};
      const further = set.further?.(outcome);
      if (args.json) {
        const { comparison } = outcome;
        io.json({
          index: args.index,
          ...subject.said,
          metric: args.metric,
          questions: comparison.questions,
          points: tried.map(({ parameters, value }) => ({ parameters, value })),
          best: { parameters: subject.parametersAt(tuning.best), value: tuning.mean },
          crossValidation: {
            folds: args.folds,
            chosen: tuning.chosen.map(subject.parametersAt),
            ...comparison,
          },
          gain: isGain(comparison),
          use: outcome.use,
          ...further?.data,
          ...(args.plots ? { plots } : {}),
        });
        return EXIT.ok;
      }
      print(outcome, io);
      for (const line of further?.lines ?? []) io.out(line);
      const { questions } = outcome.comparison;
      io.err(`${counted(questions, 'question')}, ${counted(tried.length, 'point')} of ${subject.name}`);
      for (const path of Object.values(plots)) io.err(`wrote ${path}`);
      return EXIT.ok;
    } finally {
      set.close?.();
    }
  },
});

const meanOf = (values: Float64Array): number => {
  const known = values.filter(v => !Number.isNaN(v));
  return known.reduce((sum, v) => sum + v, 0) / known.length;
};
