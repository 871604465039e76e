import { resolve } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import { defineCommand, type Io } from '../command.ts';
import { EXIT, errorText } from '../errors.ts';
import { checkLoaded, load, noPlan, pipelineArguments, printProblems } from '../prepare.ts';
import { runPlan } from '../run-plan.ts';
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

async function once(plan: Plan, io: Io, debug: boolean): Promise<boolean> {
  const run = await runPlan(plan, io, { quiet: true });
  const { result } = run;
  const clock = new Date().toLocaleTimeString('en-GB');
  if (result.status === 'ok')
    io.out(`${clock}  ${plan.name}: ${changeLine(result)} (${result.seconds.toFixed(1)} s)`);
  else {
    const told = Object.assign(new Error(result.error?.message), { ...result.error, name: 'UserError' });
    io.err(errorText(debug ? (run.failure ?? told) : told, io.errStyle, debug));
  }
  return run.interrupted === undefined;
}

export const command = defineCommand({
  usage: 'watch <pipeline>',
  summary: 'Runs a pipeline, and again whenever the files it reads change, until Ctrl-C.',
  text: 'Changes are waited for until they have been quiet for a while; runs never overlap. Searches that run meanwhile\nsee an index before a run or after it, never a mix. A run that fails is told, and watching goes on.',
  build: y =>
    pipelineArguments(y)
      .option('quiet-ms', {
        type: 'number',
        default: 300,
        describe: 'milliseconds without a change before a run',
      })
      .example('$0 index', 'keeps the index up to date'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'run');
    await printProblems(found.problems, io);
    if (!found.plan) return noPlan(loaded, found, args.json, io);
    const { watchPaths } = await import('../../events/index.ts');
    const paths = await sourcePaths(found.plan);
    let dirty = true;
    let wake: () => void = () => undefined;
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      wake();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    const watching = watchPaths(paths, { quietMs: args.quietMs }).subscribe({
      next: () => {
        dirty = true;
        wake();
      },
      error: error => {
        io.err(`watching stopped: ${(error as Error).message}`);
        stop();
      },
    });
    io.err(`watching ${counted(paths.length, 'path')}: ${paths.join(', ')} (Ctrl-C ends it)`);
    try {
      while (!stopped) {
        if (dirty) {
          dirty = false;
          if (!(await once(found.plan, io, args.debug))) break;
        } else {
          await new Promise<void>(resolve => {
            wake = resolve;
            if (dirty || stopped) resolve();
          });
        }
      }
    } finally {
      watching.unsubscribe();
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    }
    return EXIT.ok;
  },
});
