/**
 * One or more steps worked through in one go: a `map` on its own on the main thread, or a run of maps (behind a
 * source's `decode`) inside a worker. The same code in both places.
 */
import type { RecordBatch } from 'apache-arrow';
import { concatBatches, takeRows } from '../arrow/index.ts';
import type { Json, MapInstance, RecordError, SourceInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { type Assembled, assembler } from './assemble.ts';
import { isCostly, tokensOf } from './cost.ts';
import { StepError } from './errors.ts';
import { plainKey } from './incremental/key-text.ts';
import { halving, type RowFailure, splitNulls } from './row-errors.ts';
import { tokenPieces } from './tokens.ts';

/** A row or record that is put aside, for the dead letters or for counting. */
export interface Letter {
  readonly step: string;
  readonly where: string;
  readonly message: string;
  /** The row, or the record's text where it never became a row. */
  readonly row?: RecordBatch;
  readonly record?: string;
}

/** What working through a chain gave. */
export interface ChainResult {
  readonly batch?: RecordBatch;
  readonly gone: RecordBatch[];
  readonly letters: Letter[];
  /** A step each. */
  readonly counts: StepCount[];
}
export interface StepCount {
  rowsIn: number;
  rowsOut: number;
  busyMs: number;
  batches: number;
  /** Of a costly step: tokens of the rows that came; NaN where nothing tells them. */
  tokens?: number;
}

/** What goes in: rows, or a source's raw bytes. */
export type ChainInput = { readonly batch: RecordBatch } | { readonly raw: Uint8Array; readonly meta: Json };

/** A step that is open. */
export interface OpenMap {
  readonly step: PlannedStep;
  readonly instance: MapInstance;
}

// the engine's own errors, and those that say the process is at its end, are not a row's
const fatal = (error: unknown): boolean =>
  (error instanceof RangeError && /allocation|Array buffer/i.test(error.message)) ||
  (error instanceof Error && error.name === 'AbortError') ||
  error instanceof StepError;

/** The columns of a step's input that must not hold nulls. */
export const requiredColumns = (reads: Readonly<Record<string, { nullable: boolean }>>): string[] =>
  Object.entries(reads).flatMap(([name, c]) => (c.nullable ? [] : [name]));

export class Chain {
  readonly #source: { step: PlannedStep; instance: SourceInstance } | undefined;
  readonly #maps: readonly {
    open: OpenMap;
    required: string[];
    costly: boolean;
    assemble: ReturnType<typeof assembler>;
  }[];

  constructor(source: { step: PlannedStep; instance: SourceInstance } | undefined, maps: readonly OpenMap[]) {
    this.#source = source;
    this.#maps = maps.map(open => {
      const { op, params } = open.step;
      const reads = op.shape === 'map' ? op.reads(params) : {};
      return {
        open,
        required: requiredColumns(reads),
        costly: isCostly(open.step),
        assemble: assembler(open.step),
      };
    });
  }

  /** The steps, in order. */
  get steps(): PlannedStep[] {
    return [...(this.#source ? [this.#source.step] : []), ...this.#maps.map(m => m.open.step)];
  }

  /**
   * Works through one piece. @throws StepError where a row fails and the step's `onError` is `fail`, naming the row.
   */
  async run(input: ChainInput): Promise<ChainResult> {
    const gone: RecordBatch[] = [];
    const letters: Letter[] = [];
    const counts: StepCount[] = [];
    let batch: RecordBatch | undefined;
    if ('raw' in input) {
      if (!this.#source?.instance.decode) throw new Error('a raw piece needs a source that decodes');
      const { step, instance } = this.#source;
      const started = performance.now();
      let decoded = instance.decode!(input.raw, input.meta);
      if (decoded instanceof Promise) decoded = await decoded;
      batch = decoded.batch;
      if (decoded.errors?.length) letters.push(...recordLetters(step, decoded.errors));
      const rowsOut = batch.numRows;
      counts.push({ rowsIn: rowsOut, rowsOut, busyMs: performance.now() - started, batches: 1 });
    } else batch = input.batch;

    for (const map of this.#maps) {
      const count: StepCount = { rowsIn: batch?.numRows ?? 0, rowsOut: 0, busyMs: 0, batches: batch ? 1 : 0 };
      counts.push(count);
      if (!batch || batch.numRows === 0) {
        batch = undefined;
        continue;
      }
      if (map.costly) count.tokens = tokensOf(map.open.step, batch) ?? Number.NaN;
      const started = performance.now();
      batch = await this.#step(map, batch, gone, letters);
      count.rowsOut = batch?.numRows ?? 0;
      count.busyMs = performance.now() - started;
    }
    return { batch: batch?.numRows ? batch : undefined, gone, letters, counts };
  }

  async #step(
    map: { open: OpenMap; required: string[]; assemble: ReturnType<typeof assembler> },
    batch: RecordBatch,
    gone: RecordBatch[],
    letters: Letter[],
  ): Promise<RecordBatch | undefined> {
    const { step } = map.open;
    const failures: RowFailure[] = [];
    const nulls = splitNulls(batch, map.required);
    failures.push(...nulls.failures);
    const outputs: RecordBatch[] = [];
    if (nulls.clean) {
      let parts: { input: RecordBatch; output: Assembled }[];
      try {
        const maybe = this.#process(map, nulls.clean);
        parts = [{ input: nulls.clean, output: maybe instanceof Promise ? await maybe : maybe }];
      } catch (error) {
        if (fatal(error)) throw error;
        const halved = await halving(nulls.clean, part => this.#process(map, part), fatal);
        parts = halved.parts;
        failures.push(...halved.failures);
      }
      for (const { input, output } of parts) {
        if (output.batch.numRows) outputs.push(output.batch);
        if (step.wantsGone && tracksMissing(step)) {
          const missing = missingRows(input.numRows, output);
          if (missing) gone.push(takeRows(input, missing));
        }
      }
    }
    for (const failure of failures) {
      const row = plainKey(failure.row, 0, step.inputKeys[0] ?? []);
      const message = failure.error instanceof Error ? failure.error.message : String(failure.error);
      if (step.onError === 'fail') {
        throw new StepError(step.id, message, {
          row,
          cause: failure.error,
          help: `onError: "dead-letter" of step "${step.id}" puts such rows aside and goes on`,
        });
      }
      letters.push({ step: step.id, where: row, message, row: failure.row });
      if (step.wantsGone) gone.push(failure.row);
    }
    return outputs.length ? concatBatches(outputs) : undefined;
  }

  #process(
    map: { open: OpenMap; assemble: ReturnType<typeof assembler> },
    batch: RecordBatch,
  ): Assembled | Promise<Assembled> {
    const { step, instance } = map.open;
    if (step.batch?.tokens) return tokenPieces(step, batch, part => instance.process(part), map.assemble);
    const out = instance.process(batch);
    return out instanceof Promise ? out.then(o => map.assemble(batch, o)) : map.assemble(batch, out);
  }
}

/** What is wrong with a source's record, or with the row it became. */
export type RowError = RecordError & { readonly row?: RecordBatch };

/** Records that cannot go on, as letters. @throws StepError for the first one where `onError` is `fail`. */
export function recordLetters(step: PlannedStep, errors: readonly RowError[]): Letter[] {
  if (step.onError === 'fail') {
    const { where, message, help = 'mend the record' } = errors[0];
    throw new StepError(step.id, message, {
      row: where,
      help: `${help}, or set onError: "skip" or "dead-letter" on this step to go on without it`,
    });
  }
  return errors.map(({ where, message, record, row }) => ({ step: step.id, where, message, record, row }));
}

// a group's rows are in their group, and `same` loses none
const tracksMissing = (step: PlannedStep): boolean =>
  step.op.shape === 'map' && (step.op.rows === 'filter' || step.op.rows === 'explode');

/** Input rows that have no row in the output, or undefined where each has one. */
function missingRows(rows: number, output: Assembled): Int32Array | undefined {
  const parent = output.parent;
  if (!parent) return undefined;
  const missing: number[] = [];
  let at = 0;
  for (let row = 0; row < rows; row++) {
    while (at < parent.length && parent[at] < row) at++;
    if (at >= parent.length || parent[at] !== row) missing.push(row);
  }
  return missing.length ? Int32Array.from(missing) : undefined;
}
