import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import { withCommandsAsCalled } from '../called.ts';
import { defineCommand, type Io, wholeNumber } from '../command.ts';
import { EXIT } from '../errors.ts';
import {
  checkLoaded,
  type Loaded,
  load,
  noPlan,
  pipelineArguments,
  printProblems,
  type Selection,
} from '../prepare.ts';
import { type Row, valueText } from '../rows.ts';
import { type PlanRun, runPlan } from '../run-plan.ts';
import { count, counted, left, right, tableLines } from '../table.ts';
import { widthOf } from '../terminal.ts';
import type { ExampleResult } from '../test/examples.ts';

interface TestArgs extends Selection {
  readonly json: boolean;
  readonly limit: number;
}

interface Sampled {
  readonly plan: Plan;
  readonly run: PlanRun;
}

/** Runs the pipeline on the head of its sources; everything it writes goes into a folder that is removed. */
async function sample(loaded: Loaded, args: TestArgs, io: Io): Promise<Sampled | undefined> {
  const [{ operators }, { redirectWrites }] = await Promise.all([
    import('../../../operators/index.ts'),
    import('../redirect.ts'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    const definition = redirectWrites(loaded.definition, operators, args.root, folder);
    const { plan, problems } = await checkLoaded({ ...loaded, definition }, args, 'run');
    if (!plan) {
      await printProblems(problems, io);
      return undefined;
    }
    const steps = plan.flows.flatMap(f => f.steps).filter(s => s.op.shape !== 'sink');
    const show = { steps: steps.map(s => s.id), most: 1 };
    const run = await runPlan(plan, io, {
      show,
      quiet: true,
      sample: true,
      stateFolder: join(folder, '.millrace'),
    });
    return { plan, run };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function printExamples(results: readonly ExampleResult[], io: Io): void {
  const bad = results.filter(r => !r.ok);
  const ops = new Set(results.map(r => r.op)).size;
  const mark = bad.length === 0 ? io.style.green('✓') : io.style.red('✗');
  io.out(
    `${mark} ${counted(results.length - bad.length, 'example')} of ${counted(ops, 'operator')} as they say`,
  );
  for (const r of bad) io.out(`    ${io.style.red(r.op)} "${r.title}": ${r.message}`);
}

/** A pipeline's own operators against the operator contract. */
function printContracts(results: readonly ExampleResult[], io: Io): void {
  for (const r of results) {
    io.out(
      `${r.ok ? io.style.green('✓') : io.style.red('✗')} your operator ${r.op} ${r.ok ? 'keeps' : 'breaks'} the operator contract`,
    );
    for (const line of r.message?.split('; ') ?? []) io.out(`    ${line}`);
  }
}

const firstRow = (row: Row | undefined): string =>
  row === undefined
    ? ''
    : Object.entries(row)
        .map(([name, value]) => `${name}=${valueText(value)}`)
        .join('  ');

function printSample({ run }: Sampled, limit: number, io: Io): void {
  const { result } = run;
  const mark = result.status === 'ok' ? io.style.green('✓') : io.style.red('✗');
  io.out(
    `${mark} a run on the first ${counted(limit, 'row')} of each source, writing into a folder that is gone now`,
  );
  const bad = result.steps.some(s => s.deadLetters + s.skipped > 0);
  const rows = result.steps.map(s => [
    s.id,
    s.op,
    count(s.rowsIn),
    s.rowsOut === 0 && s.rowsIn > 0 && run.rows[s.id] ? io.style.yellow('none') : count(s.rowsOut),
    s.deadLetters + s.skipped > 0 ? io.style.yellow(count(s.deadLetters + s.skipped)) : '',
    firstRow(run.rows[s.id]?.[0]),
  ]);
  const width = widthOf(process.stdout);
  const fixed = Math.max(...rows.map(r => r[0].length)) + Math.max(...rows.map(r => r[1].length)) + 36;
  const columns = [
    left('step'),
    left('operator'),
    right('rows in'),
    right('rows out'),
    right(bad ? 'bad rows' : ''),
    { ...left('the first row'), maxWidth: Math.max(20, width - fixed) },
  ];
  for (const line of tableLines(columns, rows, { indent: 4, title: io.style.dim })) io.out(line);
  if (result.error) {
    const where = result.error.step ? `step "${result.error.step}": ` : '';
    io.out(`    ${io.style.red('error')}  ${where}${result.error.message}`);
    if (result.error.help) io.out(`           help: ${withCommandsAsCalled(result.error.help)}`);
  }
  const empty = result.steps.filter(s => s.rowsOut === 0 && s.rowsIn > 0 && run.rows[s.id]);
  for (const s of empty)
    io.out(`    ${io.style.yellow('warning')}  step "${s.id}" took ${count(s.rowsIn)} rows and gave none`);
}

const sampleJson = ({ run }: Sampled): Record<string, unknown> => ({
  status: run.result.status,
  ...(run.result.error ? { error: run.result.error } : {}),
  steps: run.result.steps.map(({ id, op, rowsIn, rowsOut, deadLetters, skipped }) => ({
    id,
    op,
    rowsIn,
    rowsOut,
    deadLetters,
    skipped,
    first: run.rows[id]?.[0],
  })),
});

export const command = defineCommand({
  usage: 'test <pipeline>',
  summary: 'Tries a pipeline: checks it, runs the examples of its operators, and runs it on a few rows.',
  text: 'Nothing of yours is written: indexes and files of the run go into a temporary folder. Exit code 1 where something is wrong.',
  build: y =>
    pipelineArguments(y)
      .option('limit', {
        type: 'string',
        requiresArg: true,
        default: 20,
        coerce: (value: unknown) => wholeNumber('--limit')(value) as number,
        describe: 'rows to read of each source',
      })
      .example('$0 index', 'before a long run')
      .example('$0 index --limit 1000', 'on more rows'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'check');
    await printProblems(found.problems, io);
    if (found.problems.some(p => p.severity === 'error')) return noPlan(loaded, found, args.json, io);
    const [{ operators }, { runContracts, runExamples }] = await Promise.all([
      import('../../../operators/index.ts'),
      import('../test/examples.ts'),
    ]);
    const all = [...operators, ...(loaded.definition.operators ?? [])];
    const names = new Set(loaded.definition.steps.map(s => s.op));
    const used = all.filter(op => names.has(op.name));
    const examples = await runExamples(used, all);
    const contracts = await runContracts(loaded.definition.operators ?? [], all);
    if (!args.json) {
      io.out(
        `${io.style.green('✓')} ${loaded.definition.name}: ${counted(loaded.definition.steps.length, 'step')} without errors`,
      );
      printExamples(examples, io);
      printContracts(contracts, io);
    }
    const sampled = await sample(loaded, args, io);
    const ok = [...examples, ...contracts].every(e => e.ok) && sampled?.run.result.status === 'ok';
    if (args.json) {
      io.json({
        pipeline: loaded.definition.name,
        ok,
        problems: found.problems,
        examples,
        ...(contracts.length > 0 ? { contracts } : {}),
        ...(sampled ? { sample: sampleJson(sampled) } : {}),
      });
    } else if (sampled) printSample(sampled, args.limit, io);
    if (sampled?.run.interrupted) return sampled.run.signalCode;
    return ok ? EXIT.ok : EXIT.failed;
  },
});
