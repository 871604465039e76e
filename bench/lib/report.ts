/** What a bench is, and what it gives: tables, notes, and bars that hold or fall short. */

export interface BenchOptions {
  /** Smaller data and fewer repeats: figures are rough, bars are still judged. */
  readonly quick: boolean;
  /** Keeps generated data for the next run. */
  readonly keep: boolean;
  /** Tells progress (on stderr). */
  log(message: string): void;
}

export interface Bench {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  run(options: BenchOptions): Promise<BenchReport>;
}

/** A table; the first column names the row. Numbers are shown with as many digits as they deserve. */
export interface BenchTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** One figure that is wanted: `at least` or `at most` so much. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly bound: 'at least' | 'at most';
  readonly wanted: number;
  /** Behind both numbers: `MiB`, `µs`, `×`. */
  readonly unit?: string;
}

export interface BenchReport {
  readonly tables: readonly BenchTable[];
  readonly bars: readonly Bar[];
  /** How it was measured, and what else a reader must know. */
  readonly notes: readonly string[];
  /** Peers and data that were not there, each with the command that gets it. */
  readonly missing: readonly string[];
}

export const holds = (bar: Bar): boolean =>
  bar.bound === 'at least' ? bar.value >= bar.wanted : bar.value <= bar.wanted;

/** Numbers as a table shows them: integers whole with separators, others with three significant digits or more. */
export function figure(value: string | number): string {
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 1000)
    return Math.round(value).toLocaleString('en-US', { maximumFractionDigits: 0 });
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 3 : 4);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map(row =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
}

const tableText = (table: BenchTable): string =>
  [table.title, ...aligned([table.columns, ...table.rows.map(r => r.map(figure))]).map(l => `  ${l}`)].join(
    '\n',
  );

function barRow(bar: Bar): string[] {
  const unit = bar.unit ? ` ${bar.unit}` : '';
  return [
    bar.name,
    `${figure(bar.value)}${unit}`,
    `${bar.bound} ${figure(bar.wanted)}${unit}`,
    holds(bar) ? 'holds' : 'falls short',
  ];
}

/** The report as people read it; its last lines are the bars, one each. */
export function reportText(
  bench: Pick<Bench, 'name' | 'summary'>,
  report: BenchReport,
  machine: string,
): string {
  const parts = [`${bench.name}: ${bench.summary}\n${machine}`, ...report.tables.map(tableText)];
  const notes = [...report.notes, ...report.missing.map(m => `missing: ${m}`)];
  if (notes.length > 0) parts.push(notes.map(n => `- ${n}`).join('\n'));
  if (report.bars.length > 0) parts.push(aligned(report.bars.map(barRow)).join('\n'));
  return parts.join('\n\n');
}

/** The report for programs. */
export const reportJson = (
  bench: Pick<Bench, 'name' | 'summary'>,
  report: BenchReport,
  machine: string,
): object => ({
  bench: bench.name,
  machine,
  tables: report.tables,
  notes: report.notes,
  missing: report.missing,
  bars: report.bars.map(bar => ({ ...bar, holds: holds(bar) })),
  ok: report.bars.every(holds),
});
