import { relative } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import type { RunOptions } from '../../run/index.ts';
import { defineCommand, type Io, wholeNumber } from '../command.ts';
import { EXIT, errorJson, errorText, isExpected, UsageError } from '../errors.ts';
import { jsonText } from '../json.ts';
import { tellOpenLetters } from '../letters.ts';
import { maxCostOption } from '../max-cost.ts';
import { checkLoaded, load, pipelineArguments, printProblems, type Selection } from '../prepare.ts';
import { runPlan } from '../run-plan.ts';
import { resultJson } from '../summary.ts';
import { counted as amount, count } from '../table.ts';
import { WatchedFiles } from '../watched.ts';

/** Steps whose rows are counted by what changed, not by what came through. */
const counted = (plan: Plan): ReadonlySet<string> =>
  new Set(
    plan.flows.flatMap(f => f.steps.filter(s => ['source', 'sink'].includes(s.op.shape)).map(s => s.id)),
  );

/** What a run changed, in a line. */
function changeLine(result: Awaited<ReturnType<typeof runPlan>>['result'], plan: Plan): string {
  const told = counted(plan);
  const parts = result.steps.flatMap(s => {
    const changes = [
      [s.added, '+'],
      [s.changed, '~'],
      [s.deleted, '−'],
    ] as const;
    const text = changes.flatMap(([n, sign]) => (n > 0 ? [`${sign}${count(n)}`] : [])).join(' ');
    return told.has(s.id) && text ? [`${s.id} ${text}`] : [];
  });
  return parts.length > 0 ? parts.join(', ') : 'nothing changed';
}

interface WatchArgs extends Selection {
  readonly json: boolean;
  readonly debug: boolean;
  readonly quietMs: number;
  readonly maxCost?: RunOptions['maxCost'];
}

const jsonLine = (value: unknown, io: Io): void => io.out(jsonText(value, 0));

async function once(plan: Plan, args: WatchArgs, io: Io): Promise<boolean> {
  const run = await runPlan(plan, io, { quiet: true, maxCost: args.maxCost });
  const { result } = run;
  const clock = new Date().toLocaleTimeString('en-GB');
  if (args.json) jsonLine(resultJson(result), io);
  else if (result.status === 'ok') {
    io.out(`${clock}  ${plan.name}: ${changeLine(result, plan)} (${result.seconds.toFixed(1)} s)`);
    await tellOpenLetters(plan.name, args, io);
  }
  if (result.status !== 'ok') {
    if (!args.json) io.err(`${clock}  ${plan.name}: ${result.status}`);
    const told = Object.assign(new Error(result.error?.message), { ...result.error, name: 'UserError' });
    io.err(errorText(args.debug ? (run.failure ?? told) : told, io.errStyle, args.debug));
  }
  return run.interrupted === undefined;
}

/** The plan as the pipeline's file says now; undefined, with the reasons told, where it says none. */
async function planNow(args: WatchArgs, io: Io, first = false): Promise<{ plan?: Plan; file?: string }> {
  let file: string | undefined;
  try {
    const loaded = await load(args);
    file = loaded.file;
    const { plan, problems } = await checkLoaded(loaded, args, 'run');
    await printProblems(problems, io);
    if (args.json && !plan) jsonLine({ pipeline: loaded.definition?.name, status: 'failed', problems }, io);
    return { plan, file };
  } catch (error) {
    if (!isExpected(error) || (first && error instanceof UsageError)) throw error;
    io.err(errorText(error, io.errStyle, args.debug));
    if (args.json) jsonLine(errorJson(error), io);
    return { file };
  }
}

/** What changes wake, and whether something happened since it was asked last. */
class Watch {
  #paths = '';
  #subscription: { unsubscribe(): void } | undefined;
  #wake: () => void = () => undefined;
  #dirty = false;
  #files: WatchedFiles | undefined;
  #state = '';
  #looking: Promise<void> = Promise.resolve();
  stopped = false;

  /** Watches what a run is about to read, before it does, so that a change meanwhile is not lost. */
  async follow(files: WatchedFiles, args: WatchArgs, io: Io): Promise<void> {
    await this.#looking;
    this.#files = files;
    const { paths, shallow } = files;
    const key = [...paths, '', ...shallow].join('\n');
    if (key !== this.#paths) {
      const { watchPaths } = await import('../../events/index.ts');
      this.close();
      this.#paths = key;
      this.#subscription = watchPaths(paths, { quietMs: args.quietMs, shallow }).subscribe({
        next: () => {
          this.#looking = this.#looking.then(() => this.#look());
        },
        error: error => {
          io.err(`watching stopped: ${(error as Error).message}`);
          this.stop();
        },
      });
      const names = paths.map(path => relative(process.cwd(), path) || '.');
      io.err(`watching ${amount(paths.length, 'path')}: ${names.join(', ')} (Ctrl-C ends it)`);
    }
    this.#state = await files.state();
  }
  // something happened there: whether to a file that counts, such as one that a pattern means
  async #look(): Promise<void> {
    const now = await this.#files?.state();
    if (now === undefined || now === this.#state) return;
    this.#state = now;
    this.#dirty = true;
    this.#wake();
  }
  readonly stop = (): void => {
    this.stopped = true;
    this.#wake();
  };
  /** Resolves at a change, or when it is stopped. */
  async change(): Promise<void> {
    if (!this.#dirty && !this.stopped) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    this.#dirty = false;
  }
  close(): void {
    this.#subscription?.unsubscribe();
  }
}

export const command = defineCommand({
  usage: 'watch <pipeline>',
  summary: 'Runs a pipeline, and again whenever it or what it reads changes, until Ctrl-C.',
  text: 'Watched are the pipeline’s file, the files and indexes that its steps read and it does not write itself, models and\nother assets, and files of own operators. Changes are waited for until they have been quiet for a while; runs never overlap. Searches that run meanwhile\nsee an index before a run or after it, never a mix. The pipeline is read and checked again for each run; one that\nhas problems, or a run that fails, is told, and watching goes on. With --json each run is one line.',
  build: y =>
    pipelineArguments(y)
      .option('quiet-ms', {
        type: 'string',
        requiresArg: true,
        default: 300,
        coerce: (value: unknown) => wholeNumber('--quiet-ms', 0)(value) as number,
        describe: 'milliseconds without a change before a run',
      })
      .option('max-cost', maxCostOption)
      .example('$0 index', 'keeps the index up to date'),
  run: async (args, io) => {
    const watch = new Watch();
    process.on('SIGINT', watch.stop);
    process.on('SIGTERM', watch.stop);
    try {
      let { plan, file } = await planNow(args, io, true);
      if (!plan || !file) return EXIT.failed;
      while (!watch.stopped) {
        if (plan) await watch.follow(await WatchedFiles.of(plan, file), args, io);
        if (plan && !(await once(plan, args, io))) break;
        await watch.change();
        if (watch.stopped) break;
        const now = await planNow(args, io);
        plan = now.plan;
        file = now.file ?? file;
      }
    } finally {
      watch.close();
      process.off('SIGINT', watch.stop);
      process.off('SIGTERM', watch.stop);
    }
    return EXIT.ok;
  },
});
