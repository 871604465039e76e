/** Runs one operator alone, without the engine's threads and channels, and gives the rows it gives. */
import { RecordBatch } from 'apache-arrow';
import { columnsOf, rowsOf } from '../arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  type Json,
  type Report,
  UserError,
} from '../define/index.ts';
import { openContext, planContext, TestFolder } from './context.ts';
import { drive } from './drive.ts';
import { type ColumnNames, columnsOfRows, type Row, rows } from './rows.ts';
import { parseParams, planStep, type TestedStep } from './step.ts';

/** Input of a test: plain rows, a batch, or batches that are given one after the other. */
export type TestInput = readonly Row[] | RecordBatch | readonly RecordBatch[];

/** A change given to a stream or a sink: each part as plain rows. */
export interface TestChange {
  readonly upserts?: readonly Row[];
  readonly deletes?: readonly Row[];
  readonly gone?: readonly Row[];
}

export interface RunOperatorOptions {
  /** The step's `with`. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** The input. */
  readonly in?: TestInput;
  /** Inputs of a join or a stream of several. */
  readonly inputs?: readonly TestInput[];
  /** Changes for a stream or sink of one input, instead of `in`. */
  readonly changes?: readonly TestChange[];
  /** Types of input columns where guessing from the values is wrong. */
  readonly columns?: ColumnNames;
  /** Columns that name a row of each input. Default: question_id and rank, unit_id, doc_id, or the first column. */
  readonly keys?: readonly (readonly string[])[];
  /** Files to write before, by path relative to `root`: what a source reads. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of relative paths. Default: a temporary one that is removed after. */
  readonly root?: string;
  /** Cuts the input into batches of so many rows (never inside a run of `batchBy` columns). */
  readonly batchRows?: number;
  /** Bytes the operator may hold. Default 64 MiB. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  /** False to have a sink take changes onto what is there, in `root`. Default true: it builds anew. */
  readonly full?: boolean;
}

/** All that is to be known about an operator that was run. */
export interface OperatorOutcome {
  /** The rows it gave; deletes have been applied. Empty for a sink. */
  readonly rows: Record<string, unknown>[];
  /** The batches it gave, as they came. */
  readonly batches: RecordBatch[];
  readonly step: TestedStep;
  readonly warnings: string[];
  /** Where it was told to work; removed already unless `root` was given. */
  readonly root: string;
  /** What an evaluation measured. */
  readonly report?: Report;
  /** A sink's token, published already. */
  readonly token?: Json;
  /** Texts of the files asked for by `written`. */
  readonly written: Record<string, string | undefined>;
}

/**
 * Runs an operator over rows and gives the rows that come out, columns that pass through included: parameters are
 * parsed, the columns it reads are checked, it is opened, fed and closed as the engine does.
 *
 * @example await runOperator(splitPassages, { with: { words: 2 }, in: [{ doc_id: 'a', text: 'one two three' }] })
 * @throws UserError for wrong parameters, missing columns, nulls where none may be; what the operator throws.
 */
export async function runOperator(
  op: AnyOperator,
  options: RunOperatorOptions = {},
): Promise<Record<string, unknown>[]> {
  return (await inspectOperator(op, options)).rows;
}

/** As {@link runOperator}, and gives batches, report, warnings and the texts of the files in `written` as well. */
export async function inspectOperator(
  op: AnyOperator,
  options: RunOperatorOptions & { readonly written?: readonly string[] } = {},
): Promise<OperatorOutcome> {
  const params = parseParams(op, options.with);
  const folder = await TestFolder.make(options.root, options.files);
  const warnings: string[] = [];
  try {
    const inputs = inputBatches(asEngine(op), options);
    const columns = inputs.map(batches => columnsOf(batches[0].schema));
    const step = await planStep(op, params, columns, planContext(folder), options.keys);
    const ctx = openContext(folder, {
      memory: options.memory,
      signal: options.signal,
      full: options.full,
      inputs: columns,
      keys: step.inputKeys,
      warnings,
    });
    const { batches, report, token, result } = await drive(step, ctx, {
      inputs,
      changes: options.changes?.map(c => changeOf(c, options.columns)),
      batchRows: options.batchRows,
    });
    const written = await folder.read(options.written ?? []);
    const out = result ?? batches.flatMap(rowsOf);
    return { rows: out, batches, step, warnings, root: folder.root, report, token, written };
  } finally {
    await folder.remove();
  }
}

function inputBatches(op: EngineOperator, options: RunOperatorOptions): RecordBatch[][] {
  if (op.shape === 'source') return [];
  const given = options.inputs ?? [options.in ?? (options.changes ? upsertsOf(options.changes) : undefined)];
  return given.map(input => {
    if (input === undefined)
      throw new UserError(`operator ${op.name} is a ${op.shape}: give its rows as "in" or "inputs"`);
    if (input instanceof RecordBatch) return [input];
    if (input[0] instanceof RecordBatch) return [...(input as readonly RecordBatch[])];
    const values = input as readonly Row[];
    if (values.length > 0 || options.columns) return [rows(options.columns ?? {}, values)];
    throw new UserError(`operator ${op.name}: no rows and no columns; give an empty batch or "columns"`);
  });
}

const upsertsOf = (changes: readonly TestChange[]): readonly Row[] => changes.flatMap(c => c.upserts ?? []);

function changeOf(change: TestChange, columns: ColumnNames = {}) {
  const batch = (values: readonly Row[] | undefined): RecordBatch | undefined => {
    if (!values?.length) return undefined;
    const named = columnsOfRows(values);
    const given = Object.fromEntries(Object.entries(columns).filter(([name]) => Object.hasOwn(named, name)));
    return rows(given, values);
  };
  return { upserts: batch(change.upserts), deletes: batch(change.deletes), gone: batch(change.gone) };
}
