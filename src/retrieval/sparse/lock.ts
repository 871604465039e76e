import { hostname } from 'node:os';
import * as path from 'node:path';
import { acquire, type Release } from '../../files/lock.ts';
import { IndexError } from './errors.ts';

export type { Release } from '../../files/lock.ts';

/**
 * Takes the folder's writer lock. A lock of a dead process is taken over.
 * @throws IndexError 'locked' while another writer lives, in this process or another.
 */
export function acquireLock(dir: string): Release {
  const file = path.join(dir, 'LOCK');
  const got = acquire(file);
  if ('release' in got) return got.release;
  const { holder } = got;
  const who = holder === undefined ? 'another writer' : `process ${holder.pid} on ${holder.host}`;
  const gone =
    holder !== undefined && holder.host !== hostname() ? `, or remove ${file} if that machine is gone` : '';
  throw new IndexError('locked', `${dir}: ${who} is writing this index; wait for it to end${gone}`, file);
}
