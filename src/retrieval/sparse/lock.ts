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
  const { who, help } = got.heldBy;
  throw new IndexError('locked', `${dir}: ${who} is writing this index; ${help}`, file);
}

/** Whoever publishes a generation, by name. */
export const heirOf = (generation: number): string => `publisher of generation ${generation}`;
