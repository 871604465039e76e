/** One writer at a time: a lock file that a dead process does not hold. */
import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { UserError } from '../define/index.ts';

interface Holder {
  readonly pid: number;
  /** What tells this process from a later one of the same pid: its start, in the system's own count. */
  readonly started: string;
  readonly host: string;
}

// field 22 of /proc/<pid>/stat; the command in field 2 may hold spaces, so count from behind its bracket
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function alive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

const inThisProcess = new Set<string>();

/**
 * Takes the lock; the function it gives lets go of it.
 * @throws UserError naming the process that holds it.
 */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const me: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() };
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(JSON.stringify(me));
      await handle.close();
      inThisProcess.add(path);
      return async () => {
        inThisProcess.delete(path);
        await rm(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await holderOf(path);
    const mine = holder?.pid === me.pid && holder.started === me.started && !inThisProcess.has(path);
    if (attempt > 4 || (holder && !mine && alive(holder))) {
      throw new UserError(
        `${what} is being written by process ${holder?.pid ?? '?'} on ${holder?.host ?? '?'}`,
        {
          help: `wait until it has ended; if there is no such process, remove ${path}`,
        },
      );
    }
    // renamed away, not removed: of two that find it stale at once only one gets it
    const aside = `${path}.${process.pid}.${attempt}.stale`;
    await rename(path, aside).catch(() => undefined);
    await rm(aside, { force: true });
  }
}

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    // gone meanwhile, or cut off by a crash while it was written
    return undefined;
  }
}
