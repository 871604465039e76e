/** What the engine itself costs: the same operators with and without it, on one thread and on two. */
import type { AnyStep, PipelineDefinition } from '../../src/define/index.ts';
import { scratchFolder } from '../lib/folders.ts';
import { planOf, runPlan } from '../lib/plan.ts';
import type { Bar, BenchOptions, BenchReport, BenchTable } from '../lib/report.ts';
import { type CorpusFile, corpusFile, paragraphs } from '../lib/text.ts';
import { cpuRatio, interleave, median, ratio, type Side, type Timed } from '../lib/timing.ts';
import { BareThreads } from './bare.ts';
import { generators, handLoop, observables } from './loop.ts';
import { noOpRun } from './no-op.ts';
import { partsOf } from './parts.ts';

const THREADS = 2;

/** Two maps each: cheap ones, where the engine shows most, and the ones an index is made behind. */
const WORKLOADS: Readonly<Record<string, readonly AnyStep[]>> = {
  'filter, split.passages': [
    { id: 'first', op: 'filter', with: { all: [{ column: 'text', is: 'exists' }] } },
    { id: 'second', op: 'split.passages' },
  ],
  'split.passages, analyze': [
    { id: 'first', op: 'split.passages' },
    { id: 'second', op: 'analyze' },
  ],
};

/** Maps that cost more than a row's way to another thread and back, as those that are sent there do. */
const WORTH_A_THREAD = 'split.passages, analyze';

function definitionOf(
  maps: readonly AnyStep[],
  input: string,
  output: string,
  workers: boolean,
): PipelineDefinition {
  const run = workers ? ({ where: 'worker', parallel: THREADS } as const) : {};
  return {
    name: 'bench-engine',
    memory: '1 GiB',
    steps: [
      { id: 'read', op: 'read.jsonl', with: { path: input }, ...run },
      ...maps.map(step => ({ ...step, ...run })),
      { id: 'write', op: 'write.arrow', with: { path: output } },
    ],
  };
}

async function workload(
  name: string,
  corpus: CorpusFile,
  root: string,
  { quick, log }: BenchOptions,
): Promise<{ table: BenchTable; bars: Bar[] }> {
  const maps = WORKLOADS[name];
  const here = await planOf(definitionOf(maps, corpus.path, 'out/rows.arrow', false), root);
  const inWorkers = await planOf(definitionOf(maps, corpus.path, 'out/rows.arrow', true), root);
  const parts = await partsOf(corpus.path, root, THREADS);
  const tasks = parts.map((part, i) => ({
    definition: definitionOf(maps, corpus.path, `out/part-${i}.arrow`, false),
    root,
    part,
  }));
  const bare = new BareThreads(THREADS);
  const opening: number[] = [];
  const sides: Side[] = [
    { name: 'loop', run: () => handLoop(here).then(() => undefined) },
    { name: 'pipeline', run: () => runPlan(here, false).then(() => undefined) },
    { name: 'with ledger', run: () => runPlan(here).then(() => undefined) },
    { name: 'bare threads', run: () => bare.run(tasks).then(() => undefined) },
    {
      name: 'workers',
      run: async () => {
        const { result, openMs } = await runPlan(inWorkers, false);
        opening.push(openMs);
        return result.seconds * 1000 - openMs;
      },
    },
  ];
  if (!quick) {
    sides.push(
      { name: 'generators', run: () => generators(here).then(() => undefined) },
      { name: 'RxJS', run: () => observables(here).then(() => undefined) },
    );
  }
  let timed: Timed[];
  try {
    timed = await interleave(sides, {
      repeats: quick || name === WORTH_A_THREAD ? 3 : 5,
      log: message => log(`${name}: ${message}`),
    });
  } finally {
    await bare.close();
  }
  const [loop, pipeline, , threads, workers] = timed;
  const share = median(
    loop.times.map((l, i) => pipeline.times[i] / workers.times[i] / (l / threads.times[i])),
  );
  const labels = [
    'hand-written loop, 1 thread',
    'pipeline, 1 thread',
    'pipeline, 1 thread, with ledger',
    `${THREADS} bare threads, warm`,
    `pipeline, ${THREADS} workers`,
    'async generators, 1 thread',
    'RxJS concatMap, 1 thread',
  ];
  const speedUps = new Map([
    [threads, ratio(loop, threads)],
    [workers, ratio(pipeline, workers)],
  ]);
  const start = median(opening.slice(1));
  return {
    table: {
      title: `read.jsonl, ${name}, write.arrow`,
      columns: ['', 'ms', 'MB/s', 'time ÷ loop', 'processor time ÷ loop', 'speed-up'],
      rows: [
        ...timed.map((t, i) => [
          labels[i],
          Math.round(t.median),
          corpus.bytes / 1e3 / t.median,
          ratio(t, loop),
          cpuRatio(t, loop),
          speedUps.get(t) ?? '',
        ]),
        [`start of the ${THREADS} workers`, Math.round(start), '', '', '', ''],
        ['speed-up of workers ÷ of bare threads', '', '', '', '', share],
      ],
    },
    bars: [
      { name: `${name}: pipeline ÷ loop`, value: ratio(pipeline, loop), bound: 'at most', wanted: 1.1 },
      ...(name === WORTH_A_THREAD
        ? [
            {
              name: `${name}: speed-up of workers ÷ of bare threads`,
              value: share,
              bound: 'at least',
              wanted: 0.85,
            } as const,
          ]
        : []),
    ],
  };
}

async function hops(
  root: string,
  quick: boolean,
  log: BenchOptions['log'],
): Promise<{ table: BenchTable; bars: Bar[] }> {
  const batches = quick ? 10_000 : 40_000;
  const rows: (string | number)[][] = [];
  const bars: Bar[] = [];
  for (const what of ['nothing', 'marked'] as const) {
    const name = what === 'nothing' ? 'a no-op step' : 'a step that writes one column';
    const [one, eleven] = await interleave(
      [1, 11].map(steps => ({
        name: `${steps} × ${name}`,
        run: () => noOpRun(root, batches, steps, what),
      })),
      { repeats: 5, log },
    );
    const micros = (at: readonly number[], less: readonly number[]): number =>
      median(at.map((t, i) => ((t - less[i]) * 1000) / (10 * batches)));
    const wall = micros(eleven.times, one.times);
    rows.push([name, one.median, eleven.median, wall, micros(eleven.cpu, one.cpu)]);
    if (what === 'nothing')
      bars.push({ name: `${name}, a batch`, value: wall, bound: 'at most', wanted: 5, unit: 'µs' });
  }
  return {
    table: {
      title: `${batches.toLocaleString('en-US')} batches of 8 rows in memory, through 1 and through 11 steps`,
      columns: ['', '1 step, ms', '11 steps, ms', 'µs a step and batch', 'of processor time'],
      rows,
    },
    bars,
  };
}

export async function run(options: BenchOptions): Promise<BenchReport> {
  const { quick, log } = options;
  const source = await paragraphs();
  const corpus = await corpusFile(source.paragraphs, quick ? 32e6 : 256e6, log);
  const scratch = await scratchFolder();
  try {
    const tables: BenchTable[] = [];
    const bars: Bar[] = [];
    for (const name of Object.keys(WORKLOADS)) {
      const { table, bars: found } = await workload(name, corpus, scratch.path, options);
      tables.push(table);
      bars.push(...found);
    }
    const { table, bars: found } = await hops(scratch.path, quick, log);
    return {
      tables: [...tables, table],
      bars: [...bars, ...found],
      notes: [
        `input: ${(corpus.bytes / 1e6).toFixed(0)} MB of JSONL made of ${source.from}, one word in eight exchanged; ` +
          `output ${scratch.inMemory ? 'in memory (/dev/shm)' : 'on disk'}, prepared and published by both sides`,
        'one warm-up, then interleaved repeats; figures are medians, ratios are medians of the ratios of each repeat',
        'bare threads stay warm between repeats; the workers of a pipeline start anew, and their start is told apart from its time',
        'filter and split.passages cost less than the rows’ way to a worker and back, which the main thread pays a ' +
          'half of: no reason to send them there',
        'ledger: what makes the next run incremental; without it a run remembers nothing',
        'speed-up: of two bare threads over the loop, of two workers over the pipeline on one thread',
      ],
      missing: [],
    };
  } finally {
    await scratch.remove();
  }
}
