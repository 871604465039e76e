/** What is said after a run, whatever came of it, and the exit code. */
import { relative } from 'node:path';
import type { Plan } from '../plan/types.ts';
import { CostError } from '../run/cost-error.ts';
import { RefusedError } from '../state/errors.ts';
import { asCalled } from './called.ts';
import type { Io } from './command.ts';
import { EXIT, errorText, isExpected } from './errors.ts';
import type { Selection } from './prepare.ts';
import type { PlanRun } from './run-plan.ts';
import { summaryLines } from './summary.ts';

interface Args extends Selection {
  readonly full?: boolean;
  readonly recheck?: boolean;
  readonly commitEvery?: { readonly seconds?: number; readonly rows?: number };
  readonly maxCost?: { readonly rows?: number; readonly tokens?: number };
  readonly out?: string;
  readonly debug: boolean;
}

export const quoted = (word: string): string =>
  /^[\w./=:@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** The words that call the same again. */
function sameCommand(args: Args, raised?: keyof NonNullable<Args['maxCost']>): string {
  const { pipeline, root, from, stopAfter, limit, set, sweep, full, recheck, commitEvery, out } = args;
  const cost = Object.entries(args.maxCost ?? {}).map(
    ([unit, most]) => `${unit}=${unit === raised ? 'N' : most}`,
  );
  const folder = relative(process.cwd(), root);
  const options = [
    ...(folder === '' ? [] : ['--root', folder]),
    ...(from === undefined ? [] : ['--from', from]),
    ...(stopAfter === undefined ? [] : ['--stop-after', stopAfter]),
    ...(limit === undefined ? [] : ['--limit', String(limit)]),
    ...(full ? ['--full'] : []),
    ...(recheck ? ['--recheck'] : []),
    ...(commitEvery?.seconds === undefined ? [] : ['--commit-every', `${commitEvery.seconds}s`]),
    ...(commitEvery?.rows === undefined ? [] : ['--commit-every', String(commitEvery.rows)]),
    ...(cost.length > 0 ? ['--max-cost', cost.join(',')] : []),
    ...(out === undefined ? [] : ['--out', out]),
    ...(set ?? []).flatMap(s => ['--set', s]),
    ...(sweep ?? []).flatMap(s => ['--sweep', s]),
  ];
  return asCalled(['millrace', 'run', pipeline, ...options].map(quoted).join(' '));
}

/** Sinks of flows that committed. */
const standing = (plan: Plan, committed: readonly string[]): string[] =>
  plan.flows
    .filter(f => f.steps.some(s => committed.includes(s.id)))
    .flatMap(f => f.steps.filter(s => s.op.shape === 'sink').map(s => s.id));

/** The error of a kind that a run threw, by itself or as what a step failed of. */
function thrown<T extends Error>(
  failure: unknown,
  kind: abstract new (...args: never[]) => T,
): T | undefined {
  const all = [failure, failure instanceof Error ? failure.cause : undefined];
  return all.find((error): error is T => error instanceof kind);
}

/** What a run that did not end well leaves, and how to go on. */
function howToGoOn(run: PlanRun, plan: Plan, args: Args, io: Io): void {
  const sinks = standing(plan, run.committed);
  const { unfinished } = run.result;
  if (unfinished) {
    io.err(
      `committed, but not published yet: ${unfinished.map(s => `"${s}"`).join(', ')}; the next run publishes it first`,
    );
  } else if (sinks.length === 0) io.err('nothing was published: indexes and files are as they were before');
  else {
    const names = sinks.map(s => `"${s}"`).join(', ');
    io.err(`published before that and kept: ${names}; the rest is as it was before`);
  }
  // what the state refuses it refuses again, until its help is followed
  if (thrown(run.failure, RefusedError)) return;
  const { row, step } = (run.failure ?? {}) as { readonly row?: string; readonly step?: string };
  if (row !== undefined)
    io.err(
      `${row} fails again until that is mended, or put aside by onError: "dead-letter" of step "${step}"; after that,`,
    );
  const cost = thrown(run.failure, CostError);
  // flows that committed have nothing to do then, by the ledger
  if (!cost || cost.goesOn) io.err(`to go on: ${sameCommand(args)}`);
  else io.err(`to go on, with N from ${Math.ceil(cost.least)} on: ${sameCommand(args, cost.unit)}`);
}

/** Prints the summary and, after a failure or Ctrl-C, the error and how to go on. */
export function afterRun(run: PlanRun, plan: Plan, args: Args, io: Io): number {
  const { result } = run;
  for (const line of summaryLines(result, io.errStyle)) io.err(line);
  if (result.status === 'ok') return EXIT.ok;
  if (run.interrupted) {
    howToGoOn(run, plan, args, io);
    return run.signalCode;
  }
  const told = Object.assign(new Error(result.error?.message), { ...result.error, name: 'UserError' });
  const shown = args.debug || !isExpected(run.failure) ? (run.failure ?? told) : told;
  io.err(errorText(shown, io.errStyle, args.debug));
  howToGoOn(run, plan, args, io);
  return EXIT.failed;
}
