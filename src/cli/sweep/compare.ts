/** The variants of a sweep beside each other: figures, a table, one plot. Pure: no files, no screen. */
import type { Report } from '../../define/index.ts';
import { lineSvg } from '../../metrics/index.ts';
import type { SweepVariant } from '../../plan/sweep.ts';
import { left, right, tableLines } from '../table.ts';
import type { Style } from '../terminal.ts';

/** One variant with what was measured of it. */
export interface Outcome {
  readonly label: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Figures by name, in the order of the reports. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Curves of the first report that has some: points (x, y) by name. */
  readonly curves: Readonly<Record<string, [number, number][]>>;
}

/** Metrics worth a line in a plot, the foremost first; others only where none of these was measured. */
const FOREMOST = [
  /^ndcg@/,
  /^gold@1$/,
  /^gold@5$/,
  /^gold@20$/,
  /^answer@1$/,
  /^answer@20$/,
  /^mrr@/,
  /^recall@100$/,
  /^em$/,
  /^f1$/,
  /^mar\.strict$/,
];
const MOST_LINES = 8;
/** Curves over k, the most telling first, and what they count. */
const SHARE: Readonly<Record<string, string>> = {
  gold: 'questions with gold',
  success: 'questions with a relevant document',
  answer: 'questions with an answer',
  recall: 'recall',
};

/** Numbers at the leaves of a report's metrics, named `mar.strict`; lists are curves and are left out. */
function figures(value: unknown, name: string, into: Record<string, number>): void {
  // a count of questions is no measure
  if (/(^|\.)questions$/.test(name)) return;
  if (typeof value === 'number') into[name] = value;
  else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value))
      figures(inner, name === '' ? key : `${name}.${key}`, into);
  }
}

const isCurve = (value: unknown): value is [number, number][] =>
  Array.isArray(value) && value.length > 0 && Array.isArray(value[0]) && value[0].length === 2;

/** Brings variants and reports together. Where a variant has several reports, names begin with the step's. */
export function outcomes(
  variants: readonly SweepVariant[],
  reports: Readonly<Record<string, Report>>,
): Outcome[] {
  return variants.map(variant => {
    const metrics: Record<string, number> = {};
    const curves: Record<string, [number, number][]> = {};
    const several = variant.reports.filter(id => reports[id]).length > 1;
    for (const id of variant.reports) {
      const data = reports[id]?.data;
      if (!data) continue;
      figures(data.metrics, several ? id.split('@')[0] : '', metrics);
      if (Object.keys(curves).length > 0) continue;
      for (const [name, points] of Object.entries((data.curves ?? {}) as Record<string, unknown>)) {
        if (isCurve(points)) curves[name] = points;
      }
    }
    return { label: variant.label, values: variant.values, metrics, curves };
  });
}

const metricNames = (all: readonly Outcome[]): string[] => [
  ...new Set(all.flatMap(o => Object.keys(o.metrics))),
];

/** The best of a metric is set off; higher is better for all of them. */
export function comparisonLines(all: readonly Outcome[], style: Style): string[] {
  const names = metricNames(all);
  const best = new Map(
    names.map(n => [n, Math.max(...all.map(o => o.metrics[n] ?? Number.NEGATIVE_INFINITY))]),
  );
  const worst = new Map(
    names.map(n => [n, Math.min(...all.map(o => o.metrics[n] ?? Number.POSITIVE_INFINITY))]),
  );
  const cell = (value: number | undefined, name: string): string => {
    if (value === undefined) return '–';
    const text = value.toFixed(4);
    return value === best.get(name) && best.get(name) !== worst.get(name)
      ? style.bold(style.green(text))
      : text;
  };
  // a metric a line where there are many: a terminal is narrower than it is long
  if (names.length > all.length) {
    const rows = names.map(name => [name, ...all.map(o => cell(o.metrics[name], name))]);
    return tableLines([left('metric'), ...all.map(o => right(o.label))], rows, { title: style.dim });
  }
  const rows = all.map(o => [o.label, ...names.map(name => cell(o.metrics[name], name))]);
  return tableLines([left('variant'), ...names.map(n => right(n))], rows, { title: style.dim });
}

function foremost(names: readonly string[]): string[] {
  const found = FOREMOST.flatMap(pattern =>
    names.filter(n => pattern.test(n.replace(/^[^.]+\.(?=\w+@)/, ''))),
  );
  return [...new Set(found.length > 0 ? found : names)].slice(0, MOST_LINES);
}

/** The one swept parameter whose values are all numbers. */
function numericAxis(all: readonly Outcome[]): string | undefined {
  const axes = Object.keys(all[0]?.values ?? {});
  return axes.length === 1 && all.every(o => typeof o.values[axes[0]] === 'number') ? axes[0] : undefined;
}

/**
 * One plot of a sweep as SVG: metrics against the value where one numeric parameter was swept, else a curve for each
 * variant. Undefined where nothing can be drawn.
 */
export async function sweepPlot(pipeline: string, all: readonly Outcome[]): Promise<string | undefined> {
  const axis = numericAxis(all);
  if (axis !== undefined) {
    const sorted = [...all].sort((a, b) => Number(a.values[axis]) - Number(b.values[axis]));
    const names = foremost(metricNames(all));
    if (names.length === 0) return undefined;
    return lineSvg({
      title: `${pipeline}: metrics by ${axis.replace(/^steps\./, '')}`,
      x: { label: axis.split('.').slice(3).join('.') || axis },
      y: { label: 'mean over questions' },
      series: names.map(name => ({
        name,
        points: sorted.map((o): [number, number] => [Number(o.values[axis]), o.metrics[name] ?? Number.NaN]),
      })),
    });
  }
  const kind = Object.keys(SHARE).find(name => all.some(o => o.curves[name]));
  if (kind === undefined) return undefined;
  return lineSvg({
    title: `${pipeline}: ${SHARE[kind]} in the top k`,
    x: { label: 'k', log: true },
    y: { label: 'share' },
    series: all.flatMap(o => (o.curves[kind] ? [{ name: o.label, points: o.curves[kind] }] : [])),
  });
}
