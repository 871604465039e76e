import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { IndexError } from './errors.ts';

const NAME = 'LOCK';

/** Who holds a lock: enough to tell a living process from a dead one whose number was given out again. */
interface Holder {
  host: string;
  boot: string;
  pid: number;
  /** Start time of the process in clock ticks since boot; '' where the system does not say. */
  started: string;
  token: string;
}

function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function startTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and brackets; fields are counted after it. Field 22 is the start.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function alive(holder: Holder): boolean {
  if (holder.host !== os.hostname()) return true; // Another machine's process cannot be seen: trust it.
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === '' || holder.started === startTime(holder.pid);
}

/** Releases the lock; doing it twice is harmless. */
export type Release = () => void;

/**
 * Takes the folder's writer lock. A lock of a dead process is taken over.
 * Throws IndexError 'locked' while another writer lives, in this process or another.
 */
export function acquireLock(dir: string): Release {
  const file = path.join(dir, NAME);
  const token = randomBytes(8).toString('hex');
  const me: Holder = {
    host: os.hostname(),
    boot: bootId(),
    pid: process.pid,
    started: startTime(process.pid),
    token,
  };
  const own = `${file}.${token}`;
  fs.writeFileSync(own, JSON.stringify(me));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // A link appears with its content or not at all, and fails where the name is taken.
        fs.linkSync(own, file);
        return () => {
          if (readHolder(file)?.token === token) fs.rmSync(file, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readHolder(file);
      if (holder === undefined) continue; // Released meanwhile, or unreadable: the next try decides.
      if (alive(holder)) throw locked(dir, file, holder);
      takeAway(file, holder);
    }
    throw locked(dir, file, readHolder(file));
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Removes a dead lock; if another process was quicker and it is a living one now, puts it back. */
function takeAway(file: string, dead: Holder): void {
  const aside = `${file}.${dead.token}.dead.${process.pid}`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return;
  }
  if (readHolder(aside)?.token !== dead.token) {
    try {
      fs.linkSync(aside, file);
    } catch {
      // Taken again already.
    }
  }
  fs.rmSync(aside, { force: true });
}

function locked(dir: string, file: string, holder: Holder | undefined): IndexError {
  const who = holder === undefined ? 'another writer' : `process ${holder.pid} on ${holder.host}`;
  return new IndexError(
    'locked',
    `${dir}: ${who} is writing this index; wait for it to end` +
      (holder !== undefined && holder.host !== os.hostname()
        ? `, or remove ${file} if that machine is gone`
        : ''),
    file,
  );
}
