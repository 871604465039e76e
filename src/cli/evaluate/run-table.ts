/** Several runs beside each other, a row a run. */
import type { Comparison } from '../../metrics/index.ts';
import type { Io } from '../command.ts';
import { left, right, tableLines } from '../table.ts';
import type { MetricsModule } from './measure.ts';

const SURE = 0.05;

/**
 * Prints the means of all runs; those that differ from the first run's are marked, the best of a measure is bold.
 * @param names of all runs, the first included
 * @param comparisons by measure, of each other run with the first
 */
export function printRuns(
  m: MetricsModule,
  names: readonly string[],
  comparisons: readonly Readonly<Record<string, Comparison>>[],
  io: Io,
): void {
  const measures = Object.keys(comparisons[0] ?? {}).filter(name => comparisons.every(c => c[name]));
  const columns = measures.map(name => {
    const means = [comparisons[0][name].first, ...comparisons.map(c => c[name].second)];
    const best = Math.max(...means);
    const p = m.holm(comparisons.map(c => c[name].p));
    return means.map((mean, i) => {
      const shown = mean.toFixed(4);
      return `${mean === best ? io.style.bold(shown) : shown}${i > 0 && p[i - 1] < SURE ? '*' : ' '}`;
    });
  });
  const rows = names.map((name, i) => [name, ...columns.map(column => column[i])]);
  for (const line of tableLines([left('run'), ...measures.map(name => right(`${name} `))], rows, {
    title: io.style.dim,
  }))
    io.out(line);
  io.out(
    io.style.dim(
      `* differs from ${names[0]}: p < ${SURE} with Holm's correction over ${comparisons.length} runs`,
    ),
  );
}
