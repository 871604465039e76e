/** What a tuning came to, for people. */
import type { Axis, Comparison, GridPoint, Tuning } from '../../metrics/index.ts';
import type { Io } from '../command.ts';
import { right, tableLines } from '../table.ts';
import type { Parameters } from './axes.ts';

/** Points shown of a table. */
const SHOWN = 10;

export interface Outcome {
  /** What was tuned. */
  readonly name: string;
  readonly metric: string;
  readonly folds: number;
  readonly axes: readonly Axis[];
  readonly start: GridPoint;
  readonly tuning: Tuning;
  readonly tried: readonly { parameters: Parameters; value: number; point: GridPoint }[];
  /** What was given against what was chosen without each question. */
  readonly comparison: Comparison;
  /** How to use what is best. */
  readonly use: string;
  /** The parameters of a point, as they are shown. */
  parametersAt(point: GridPoint): Parameters;
}

const shownParameters = (parameters: Parameters): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** How often each point was chosen, the most frequent first. */
function chosenLine({ parametersAt, tuning: { chosen } }: Outcome): string {
  const counts = new Map<string, number>();
  for (const point of chosen) {
    const text = shownParameters(parametersAt(point));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([text, n]) => `${text} (${n} of ${chosen.length})`)
    .join('; ');
}

const signed = (x: number): string => `${x >= 0 ? '+' : ''}${x.toFixed(4)}`;

/** Whether a gain is there on questions that were not looked at. */
export const isGain = (c: Pick<Comparison, 'difference' | 'p'>): boolean => c.difference > 0 && c.p < 0.05;

/** Figures of a comparison on questions held back. */
export const heldBack = (c: Comparison): string =>
  `${signed(c.difference)} (95% ${signed(c.low)} – ${signed(c.high)}), p ${c.p < 0.0001 ? '< .0001' : c.p.toFixed(4)}, won ${c.wins}, lost ${c.losses}`;

export function print(outcome: Outcome, io: Io): void {
  const { axes, start, tuning, comparison: c, metric, folds } = outcome;
  const tried = [...outcome.tried].sort((a, b) => b.value - a.value);
  const isAt = (a: GridPoint, b: GridPoint): boolean => a.every((at, i) => at === b[i]);
  const best = tried.findIndex(t => isAt(t.point, tuning.best));
  tried.unshift(...tried.splice(best, 1));
  const shown = tried.slice(0, SHOWN);
  const given = tried.find(t => isAt(t.point, start));
  if (given && !shown.includes(given)) shown.push(given);
  const note = (point: GridPoint): string =>
    [isAt(point, tuning.best) ? 'best' : '', isAt(point, start) ? 'as given' : '']
      .filter(t => t !== '')
      .join(', ');
  const rows = shown.map(t => [
    ...axes.map(axis => String(t.parameters[axis.name] ?? '')),
    t.value.toFixed(4),
    io.style.dim(note(t.point)),
  ]);
  const columns = [...axes.map(axis => right(axis.name)), right(metric), right('')];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
  io.out('');
  io.out(
    `cross-validated (${folds} folds): ${c.second.toFixed(4)} against ${c.first.toFixed(4)} as given, ${heldBack(c)}`,
  );
  io.out(`chosen in the folds: ${chosenLine(outcome)}`);
  if (isGain(c)) {
    io.out(io.style.green('the gain is more than chance gives, on questions that were not looked at'));
    io.out(`use it: ${outcome.use}`);
  } else
    io.out(io.style.yellow('the gain is inside the noise: keep what you have, or tune on more questions'));
}

/** Mean by the first two axes, at the best of the others; one axis gives a row. */
export async function heatMap(outcome: Outcome): Promise<Record<string, string>> {
  const { name, metric, axes, tuning, tried } = outcome;
  const m = await import('../../metrics/index.ts');
  const [first, second] = axes;
  const rows = second === undefined ? [''] : second.values.map(String);
  const values = rows.map((_, r) =>
    first.values.map((__, c) => {
      const point = tuning.best.map((at, axis) => (axis === 0 ? c : axis === 1 ? r : at));
      return tried.find(t => t.point.every((at, i) => at === point[i]))?.value ?? Number.NaN;
    }),
  );
  const fixed = axes.slice(2).map((axis, i) => `${axis.name} ${axis.values[tuning.best[i + 2]]}`);
  const svg = await m.heatMapSvg({
    title: `${metric} of ${name}${fixed.length > 0 ? `, ${fixed.join(', ')}` : ''}`,
    x: { label: first.name, names: first.values.map(String) },
    y: { label: second?.name ?? '', names: rows },
    values,
    value: { label: metric, decimals: 3 },
  });
  return { [`tune-${name}`]: svg };
}
