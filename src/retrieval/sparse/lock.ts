import { hostname } from 'node:os';
import * as path from 'node:path';
import { acquire, type Held } from '../../files/lock.ts';
import { IndexError } from './errors.ts';

export type { Held } from '../../files/lock.ts';

/**
 * Takes the folder's writer lock. A lock of a dead process is taken over; with a `generation`, also that of a writer of
 * this process that has handed it over.
 * @throws IndexError 'locked' while another writer lives, in this process or another.
 */
export function acquireLock(dir: string, generation?: number): Held {
  const file = path.join(dir, 'LOCK');
  const got = acquire(file, generation === undefined ? undefined : heirOf(generation));
  if ('release' in got) return got;
  const { holder } = got;
  const who = holder === undefined ? 'another writer' : `process ${holder.pid} on ${holder.host}`;
  const gone =
    holder !== undefined && holder.host !== hostname() ? `, or remove ${file} if that machine is gone` : '';
  throw new IndexError('locked', `${dir}: ${who} is writing this index; wait for it to end${gone}`, file);
}

/** Whoever publishes a generation, by name. */
export const heirOf = (generation: number): string => `publisher of generation ${generation}`;
