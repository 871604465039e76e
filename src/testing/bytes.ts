/** What an operator gave as one string that differs where a byte does. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { concatBatches, copyBatch, encodeBatch } from '../arrow/index.ts';
import type { OperatorOutcome } from './operator.ts';

const sha = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Hashes of the files under a folder, by relative path. */
export async function filesOf(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter(n => n.isFile()).map(n => join(n.parentPath, n.name));
  const hashes = await Promise.all(
    files.map(async f => [relative(folder, f), sha(await readFile(f))] as const),
  );
  return Object.fromEntries(hashes.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The rows, the report and the files that were not there before. */
export async function bytesOf(
  outcome: OperatorOutcome,
  root: string,
  before: Readonly<Record<string, string>>,
): Promise<string> {
  const files = Object.entries(await filesOf(root)).filter(([name, hash]) => before[name] !== hash);
  const full = outcome.batches.filter(b => b.numRows > 0);
  // buffers of their own: equal rows are equal bytes, wherever they were cut from
  const rows = full.length > 0 ? sha(new Uint8Array(encodeBatch(copyBatch(concatBatches(full))))) : 'none';
  // where rows are taken back, what is there in the end counts
  const { op } = outcome.step;
  if (op.shape === 'stream' && op.changes)
    return JSON.stringify(
      outcome.rows.map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))).sort(),
    );
  return JSON.stringify({ rows, files, report: outcome.report?.data ?? null });
}
