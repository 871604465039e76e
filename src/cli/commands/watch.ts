import { resolve } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import { defineCommand, type Io, wholeNumber } from '../command.ts';
import { EXIT, errorJson, errorText, isExpected, UsageError } from '../errors.ts';
import { jsonText } from '../json.ts';
import { checkLoaded, load, pipelineArguments, printProblems, type Selection } from '../prepare.ts';
import { runPlan } from '../run-plan.ts';
import { resultJson } from '../summary.ts';
import { count, counted } from '../table.ts';

/** Files and folders that the plan's sources read; of a pattern, the folder before its first wildcard. */
async function sourcePaths(plan: Plan): Promise<string[]> {
  const { markedValues } = await import('../../plan/schema.ts');
  const paths = plan.flows.flatMap(f =>
    f.steps.flatMap(s => {
      if (s.op.shape !== 'source') return [];
      return markedValues(s.op.params, s.params).flatMap(({ value, mark }) =>
        mark.location === 'read' ? [value].flat().filter(v => typeof v === 'string') : [],
      );
    }),
  );
  return [...new Set(paths.map(p => resolve(plan.root, p.replace(/[^/]*[*?[{].*$/, ''))))];
}

/** What a run changed, in a line. */
function changeLine(result: Awaited<ReturnType<typeof runPlan>>['result']): string {
  const parts = result.steps.flatMap(s => {
    const changes = [
      [s.added, '+'],
      [s.changed, '~'],
      [s.deleted, '−'],
    ] as const;
    const text = changes.flatMap(([n, sign]) => (n > 0 ? [`${sign}${count(n)}`] : [])).join(' ');
    const counts = s.kept + s.changed + s.deleted > 0 || s.rowsIn === 0;
    return counts && text ? [`${s.id} ${text}`] : [];
  });
  return parts.length > 0 ? parts.join(', ') : 'nothing changed';
}

interface WatchArgs extends Selection {
  readonly json: boolean;
  readonly debug: boolean;
  readonly quietMs: number;
}

const jsonLine = (value: unknown, io: Io): void => io.out(jsonText(value, 0));

async function once(plan: Plan, args: WatchArgs, io: Io): Promise<boolean> {
  const run = await runPlan(plan, io, { quiet: true });
  const { result } = run;
  const clock = new Date().toLocaleTimeString('en-GB');
  if (args.json) jsonLine(resultJson(result), io);
  else if (result.status === 'ok')
    io.out(`${clock}  ${plan.name}: ${changeLine(result)} (${result.seconds.toFixed(1)} s)`);
  if (result.status !== 'ok') {
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

/** What changes wake: which paths, and whether something happened since it was asked last. */
class Watch {
  #paths: readonly string[] = [];
  #subscription: { unsubscribe(): void } | undefined;
  #wake: () => void = () => undefined;
  #dirty = false;
  stopped = false;

  async follow(paths: readonly string[], args: WatchArgs, io: Io): Promise<void> {
    if (paths.join('\n') === this.#paths.join('\n')) return;
    const { watchPaths } = await import('../../events/index.ts');
    this.close();
    this.#paths = paths;
    this.#subscription = watchPaths(paths, { quietMs: args.quietMs }).subscribe({
      next: () => {
        this.#dirty = true;
        this.#wake();
      },
      error: error => {
        io.err(`watching stopped: ${(error as Error).message}`);
        this.stop();
      },
    });
    io.err(`watching ${counted(paths.length, 'path')}: ${paths.join(', ')} (Ctrl-C ends it)`);
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
  summary: 'Runs a pipeline, and again whenever it or the files it reads change, until Ctrl-C.',
  text: 'Changes are waited for until they have been quiet for a while; runs never overlap. Searches that run meanwhile\nsee an index before a run or after it, never a mix. The pipeline is read and checked again for each run; one that\nhas problems, or a run that fails, is told, and watching goes on. With --json each run is one line.',
  build: y =>
    pipelineArguments(y)
      .option('quiet-ms', {
        type: 'string',
        requiresArg: true,
        default: 300,
        coerce: (value: unknown) => wholeNumber('--quiet-ms', 0)(value) as number,
        describe: 'milliseconds without a change before a run',
      })
      .example('$0 index', 'keeps the index up to date'),
  run: async (args, io) => {
    const watch = new Watch();
    process.on('SIGINT', watch.stop);
    process.on('SIGTERM', watch.stop);
    try {
      let { plan, file } = await planNow(args, io, true);
      if (!plan || !file) return EXIT.failed;
      while (!watch.stopped) {
        // watched before the run, so that a change during it is not lost
        if (plan) await watch.follow([...(await sourcePaths(plan)), file], args, io);
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
