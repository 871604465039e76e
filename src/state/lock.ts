/** The lock of a pipeline's state. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../define/index.ts';
import { acquire } from '../files/lock.ts';

/**
 * Takes the lock; the function it gives lets go of it.
 * @throws UserError naming the process that holds it.
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const got = acquire(path);
  if ('release' in got) return async () => got.release();
  const { who, help } = got.heldBy;
  throw new UserError(`${what} is being written by ${who}`, { help });
}
