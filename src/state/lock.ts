/** The lock of a pipeline's state. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { acquire, holding } from '../files/lock.ts';
import { RefusedError } from './errors.ts';

/**
 * Takes the lock; the function it gives lets go of it.
 * @throws RefusedError naming the process that holds it.
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const got = acquire(path);
  if ('release' in got) return async () => got.release();
  const { who, help } = got.heldBy;
  throw new RefusedError(`${what} is being written by ${who}`, { help });
}

/** @throws RefusedError naming the process that holds the lock, where one does */
export function refuseLocked(path: string, what: string, help: string): void {
  const by = holding(path);
  if (by) throw new RefusedError(`${by.who} is running ${what}`, { help });
}
