/** What a run did, after it: a table of its steps, what its sinks hold, and the step that held it up. */
import type { Json } from '../define/index.ts';
import { formatBytes, formatTime } from '../define/units.ts';
import type { RunResult, StepResult } from '../events/types.ts';
import type { TableColumn } from '../metrics/table.ts';
import { count, left, percent, right, tableLines } from './table.ts';
import type { Style } from './terminal.ts';

interface Cell {
  readonly column: TableColumn;
  readonly of: (step: StepResult) => string;
}

/** What became of rows against the run before. */
const CHANGES = ['added', 'changed', 'deleted', 'kept'] as const;

const timeOf = (s: StepResult): number => s.busySeconds + s.waitInSeconds + s.waitOutSeconds;
const badRows = (s: StepResult): number => s.deadLetters + s.skipped;
/** A part of a step's time as a share of the run's, as a number; its parallel parts count as one. */
const ofRun = (s: StepResult, part: number, run: RunResult): number =>
  timeOf(s) > 0 && run.seconds > 0 ? Math.min(1, (part / timeOf(s)) * (s.seconds / run.seconds)) : 0;
const unlessZero = (n: number, paint = (text: string): string => text): string =>
  n > 0 ? paint(count(n)) : '';

function tableOf(result: RunResult, style: Style): string[] {
  const { steps, bottleneck } = result;
  const share = (s: StepResult, part: number): string =>
    timeOf(s) > 0 ? percent(ofRun(s, part, result)) : '';
  // in a first run everything is added, which the rows say already
  const again = steps.some(s => s.changed + s.deleted + s.kept > 0);
  const cells: Cell[] = [
    { column: left('step'), of: s => (s.id === bottleneck ? style.yellow(s.id) : s.id) },
    { column: left('operator'), of: s => s.op },
    { column: right('rows in'), of: s => count(s.rowsIn) },
    { column: right('rows out'), of: s => count(s.rowsOut) },
    ...(steps.some(s => badRows(s) > 0)
      ? [{ column: right('bad rows'), of: (s: StepResult) => unlessZero(badRows(s), style.yellow) }]
      : []),
    ...(again
      ? CHANGES.map(name => ({ column: right(name), of: (s: StepResult) => unlessZero(s[name]) }))
      : []),
    { column: right('work'), of: s => formatTime(s.busySeconds * 1000) },
    { column: right('busy'), of: s => share(s, s.busySeconds) },
    { column: right('wait in'), of: s => share(s, s.waitInSeconds) },
    { column: right('out'), of: s => share(s, s.waitOutSeconds) },
  ];
  return tableLines(
    cells.map(c => c.column),
    steps.map(s => cells.map(c => c.of(s))),
    { indent: 2, title: style.dim },
  );
}

const shown = (value: Json): string => (typeof value === 'number' ? count(value) : String(value));

/** What the sinks say of what they made: `index: documents 2,538, segments 1, size 2.0 MiB`. Reports speak for themselves. */
const sinkLines = (result: RunResult): string[] =>
  result.steps.flatMap(({ id, summary }) => {
    if (result.reports[id]) return [];
    const parts = Object.entries(summary ?? {}).map(([name, value]) => `${name} ${shown(value)}`);
    return parts.length > 0 ? [`${id}: ${parts.join(', ')}`] : [];
  });

/** Time of commits, where it is worth a word. */
function commitLine(result: RunResult): string | undefined {
  const seconds = result.commitSeconds ?? 0;
  const part = result.seconds > 0 ? seconds / result.seconds : 0;
  if (seconds < 0.1 || part < 0.01) return undefined;
  return `commit (record, publishing, ledger): ${formatTime(seconds * 1000)}, ${percent(part)} of the run`;
}

/** The bottleneck in a sentence: what took more than half of the run. */
function bottleneckLine(result: RunResult): string | undefined {
  const step = result.steps.find(s => s.id === result.bottleneck);
  if ((result.commitSeconds ?? 0) > result.seconds / 2 && result.seconds > 0.1) {
    return 'bottleneck: the commit, not a step';
  }
  if (!step || ofRun(step, step.busySeconds, result) <= 0.5) return undefined;
  const [busy, out] = [step.busySeconds, step.waitOutSeconds].map(t => percent(ofRun(step, t, result)));
  return `bottleneck: "${step.id}" (${step.op}) worked ${busy} of the run and waited ${out} of it for the steps behind it`;
}

const STATUS = { ok: 'done', aborted: 'stopped', failed: 'failed' } as const;

/** Lines for people. */
export function summaryLines(result: RunResult, style: Style): string[] {
  const { status, pipeline, seconds, peakBytes, steps } = result;
  const paint = status === 'ok' ? style.green : status === 'aborted' ? style.yellow : style.red;
  const head = `${style.bold(pipeline)}  ${paint(STATUS[status])} after ${formatTime(seconds * 1000)}, peak memory ${formatBytes(peakBytes)}`;
  const last = status === 'ok' ? [commitLine(result), bottleneckLine(result)] : [commitLine(result)];
  return [
    head,
    ...(steps.length > 0 ? tableOf(result, style) : []),
    ...sinkLines(result),
    ...last.flatMap(line => line ?? []),
  ];
}

/** The result as `--json` prints it: reports as their data. */
export const resultJson = (result: RunResult): Record<string, unknown> => ({
  ...result,
  reports: Object.fromEntries(Object.entries(result.reports).map(([step, r]) => [step, r.data])),
});
