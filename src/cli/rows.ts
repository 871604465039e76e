/** Rows for `--show`: the first of what comes out of some steps. */
import type { RecordBatch } from 'apache-arrow';
import { rowsOf } from '../arrow/access.ts';
import { displayWidth, fitWidth } from '../metrics/table.ts';
import type { Plan } from '../plan/types.ts';
import { counted } from './table.ts';
import { oneLine, pad, type Style } from './terminal.ts';

export type Row = Record<string, unknown>;

interface Batches {
  subscribe(observer: {
    next(batch: RecordBatch): void;
    error(error: unknown): void;
    complete(): void;
  }): unknown;
}

/** The steps whose rows show what a pipeline makes: those behind which no other step makes rows. */
export function lastSteps(plan: Plan): string[] {
  const steps = plan.flows.flatMap(f => f.steps);
  const sinks = new Set(steps.filter(s => s.op.shape === 'sink').map(s => s.id));
  return steps.filter(s => !sinks.has(s.id) && s.to.every(id => sinks.has(id))).map(s => s.id);
}

/** Keeps the first `most` rows that each step gives; the lists fill while the run goes on. */
export function collectRows(
  steps: readonly string[],
  most: number,
  tap: (step: string) => Batches,
): Record<string, Row[]> {
  const rows: Record<string, Row[]> = {};
  for (const step of steps) {
    const kept: Row[] = [];
    rows[step] = kept;
    tap(step).subscribe({
      next: batch => {
        const missing = most - kept.length;
        if (missing > 0) kept.push(...rowsOf(batch.numRows > missing ? batch.slice(0, missing) : batch));
      },
      // the run's own result tells of a failure
      error: () => {},
      complete: () => {},
    });
  }
  return rows;
}

/** A value on one line. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return oneLine(value);
  if (typeof value === 'number')
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
  return JSON.stringify(value, (_k, v) => (typeof v === 'bigint' ? v.toString() : v)) ?? '';
}

/** Lines for people: a row is a block, a column a line, cut at `width`. */
export function rowLines(step: string, rows: readonly Row[], width: number, style: Style): string[] {
  const lines = [
    `${style.bold(step)}: ${rows.length === 0 ? 'no rows' : `first ${counted(rows.length, 'row')}`}`,
  ];
  for (const row of rows) {
    const names = Object.keys(row);
    const widest = Math.max(0, ...names.map(displayWidth));
    names.forEach((name, i) => {
      const value = fitWidth(valueText(row[name]), Math.max(10, width - widest - 6));
      lines.push(`  ${i === 0 ? '-' : ' '} ${style.dim(pad(name, widest))}  ${value}`);
    });
  }
  return lines;
}
