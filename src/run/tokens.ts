/**
 * A token budget: pieces of a window in which rows × longest row stays under the budget, so little of a padded batch
 * is padding. Rows are sorted by length inside the window only, and the results are given back in order.
 */
import { DataType, type RecordBatch } from 'apache-arrow';
import { columnData, concatBatches, hasColumn, takeRows, Utf8View } from '../arrow/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Assembled } from './assemble.ts';

/**
 * Length of each row in tokens: items of a list column, or bytes / 4 of a text column, which is near what subword
 * tokenizers give on English.
 */
export function tokenLengths(batch: RecordBatch, column: string): Int32Array {
  const data = columnData(batch, column);
  const lengths = new Int32Array(batch.numRows);
  if (DataType.isList(data.type)) {
    for (let i = 0; i < lengths.length; i++) lengths[i] = data.valueOffsets[i + 1] - data.valueOffsets[i];
  } else if (DataType.isUtf8(data.type)) {
    const { offsets } = new Utf8View(data);
    for (let i = 0; i < lengths.length; i++) lengths[i] = Math.ceil((offsets[i + 1] - offsets[i]) / 4);
  } else throw new TypeError(`a token budget needs a list or text column; "${column}" is ${data.type}`);
  return lengths;
}

/** Cuts rows, longest last, into pieces of at most `budget` padded tokens; a longer row is a piece of its own. */
export function cutByTokens(lengths: Int32Array, budget: number): Int32Array[] {
  const order = Int32Array.from(lengths.keys()).sort((a, b) => lengths[a] - lengths[b] || a - b);
  const pieces: Int32Array[] = [];
  let start = 0;
  for (let i = 0; i < order.length; i++) {
    // the row at i is the longest of the piece
    if (i > start && (i - start + 1) * lengths[order[i]] > budget) {
      pieces.push(order.subarray(start, i));
      start = i;
    }
  }
  if (start < order.length) pieces.push(order.subarray(start));
  return pieces;
}

/** The column a step counts tokens by: its operator's, else `input_ids`, else `text`. */
export const tokenColumn = (step: PlannedStep, batch: RecordBatch): string =>
  tokenColumnOf(step, name => hasColumn(batch, name));

/** The same, of an input that has columns of these names. */
export function tokenColumnOf({ op, params }: PlannedStep, has: (name: string) => boolean): string {
  const named = op.shape === 'map' ? op.tokens?.(params) : undefined;
  return named ?? ['input_ids', 'text', 'question'].find(has) ?? 'text';
}

/** Works through a window piece by piece and puts the results back in the window's order. */
export async function tokenPieces<Out>(
  step: PlannedStep,
  window: RecordBatch,
  process: (piece: RecordBatch) => Out | Promise<Out>,
  assemble: (input: RecordBatch, out: Out) => Assembled,
): Promise<Assembled> {
  const lengths = tokenLengths(window, tokenColumn(step, window));
  const pieces = cutByTokens(lengths, step.batch?.tokens ?? Number.POSITIVE_INFINITY);
  if (pieces.length === 1 && isSorted(lengths)) return assemble(window, await process(window));
  const batches: RecordBatch[] = [];
  const parents: number[] = [];
  let hasParents = false;
  for (const rows of pieces) {
    const piece = takeRows(window, rows);
    const { batch, parent } = assemble(piece, await process(piece));
    batches.push(batch);
    if (parent) hasParents = true;
    for (let i = 0; i < batch.numRows; i++) parents.push(rows[parent ? parent[i] : i]);
  }
  const all = concatBatches(batches);
  // stable, so that children of one row keep their order
  const order = Int32Array.from(parents.keys()).sort((a, b) => parents[a] - parents[b] || a - b);
  const parent = hasParents ? Int32Array.from(order, i => parents[i]) : undefined;
  return { batch: takeRows(all, order), parent };
}

function isSorted(lengths: Int32Array): boolean {
  for (let i = 1; i < lengths.length; i++) if (lengths[i] < lengths[i - 1]) return false;
  return true;
}
