/** What a run did, after it: a table of its steps and the step that held it up. */
import { formatBytes, formatTime } from '../define/units.ts';
import type { RunResult, StepResult } from '../events/types.ts';
import { count, left, percent, right, tableLines } from './table.ts';
import type { Style } from './terminal.ts';

const timeOf = (s: StepResult): number => s.busySeconds + s.waitInSeconds + s.waitOutSeconds;

function stepRow(s: StepResult, bottleneck: boolean, style: Style): string[] {
  const all = timeOf(s) || 1;
  const share = (x: number): string => (timeOf(s) > 0 ? percent(x / all) : '');
  const bad = s.deadLetters + s.skipped;
  return [
    bottleneck ? style.yellow(s.id) : s.id,
    s.op,
    count(s.rowsIn),
    count(s.rowsOut),
    bad > 0 ? style.yellow(count(bad)) : '',
    formatTime(s.busySeconds * 1000),
    share(s.busySeconds),
    share(s.waitInSeconds),
    share(s.waitOutSeconds),
  ];
}

/** The bottleneck in a sentence. */
function bottleneckLine(result: RunResult): string | undefined {
  const step = result.steps.find(s => s.id === result.bottleneck);
  if (!step) return undefined;
  const all = timeOf(step) || 1;
  return `bottleneck: "${step.id}" (${step.op}) worked ${percent(step.busySeconds / all)} of its time and waited ${percent(
    step.waitOutSeconds / all,
  )} for the steps behind it`;
}

/** Lines for people. */
export function summaryLines(result: RunResult, style: Style): string[] {
  const status =
    result.status === 'ok'
      ? style.green('done')
      : result.status === 'aborted'
        ? style.yellow('stopped')
        : style.red('failed');
  const lines = [
    `${style.bold(result.pipeline)}  ${status} after ${formatTime(result.seconds * 1000)}, peak memory ${formatBytes(result.peakBytes)}`,
  ];
  if (result.steps.length > 0) {
    const bad = result.steps.some(s => s.deadLetters + s.skipped > 0);
    lines.push(
      ...tableLines(
        [
          left('step'),
          left('operator'),
          right('rows in'),
          right('rows out'),
          right(bad ? 'bad rows' : ''),
          right('work'),
          right('busy'),
          right('wait in'),
          right('out'),
        ],
        result.steps.map(s => stepRow(s, s.id === result.bottleneck, style)),
        { indent: 2, title: style.dim },
      ),
    );
  }
  const line = bottleneckLine(result);
  if (line && result.status === 'ok') lines.push(line);
  return lines;
}

/** The result as `--json` prints it: reports as their data. */
export const resultJson = (result: RunResult): Record<string, unknown> => ({
  ...result,
  reports: Object.fromEntries(Object.entries(result.reports).map(([step, r]) => [step, r.data])),
});
