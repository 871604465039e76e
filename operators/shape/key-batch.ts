/** Keys in the state of streams, and the rows that deletes name by them. */
import type { RecordBatch } from 'apache-arrow';
import { batchFromRows } from '../../src/arrow/index.ts';
import type { Json, OpenContext } from '../../src/define/index.ts';

/** A value of a key as JSON holds it: 64-bit numbers as text. */
export const plain = (value: unknown): Json => (typeof value === 'bigint' ? String(value) : (value as Json));

/** Rows of key columns alone, as deletes name them, from keys made {@link plain}. */
export function keyBatch(
  { keys: [names], inputs: [columns] }: Pick<OpenContext, 'keys' | 'inputs'>,
  keys: readonly (readonly Json[])[],
): RecordBatch {
  const typed = (value: Json, name: string): unknown =>
    String(columns[name].type) === 'Int64' ? BigInt(value as string) : value;
  return batchFromRows(
    Object.fromEntries(names.map(name => [name, columns[name]])),
    keys.map(key => Object.fromEntries(names.map((name, i) => [name, typed(key[i], name)]))),
  );
}
