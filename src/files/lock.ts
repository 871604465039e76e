/**
 * One writer at a time: a lock file that a dead process does not hold. Files are made by `link`, so a lock appears with
 * its holder in it or not at all; a dead one is removed under a second lock, so that of many who find it dead none can
 * remove the lock of the one who was quicker.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { hostname } from 'node:os';

/** Enough to tell a living process from a later one of the same number. */
export interface Holder {
  readonly host: string;
  readonly boot: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot; '' where the system does not say. */
  readonly started: string;
  /** Of this hold. */
  readonly token: string;
  /** Who in this process may go on with it: see `Held.handOver`. */
  readonly heir?: string;
}

/** Releases the lock; doing it twice is harmless. */
export type Release = () => void;

/** A lock that is held. */
export interface Held {
  readonly release: Release;
  /**
   * Lets whoever in this process next asks for the lock as `heir`, on any thread, have it. Until that one releases it, or
   * this one does, nobody else gets it.
   */
  handOver(heir: string): void;
}

/** How long a file without a readable holder, or a takeover, is left alone: whoever made it may be at work. */
const DOUBT_MS = 5000;

const bootId = (): string => read('/proc/sys/kernel/random/boot_id')?.trim() ?? '';

function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  // the command may hold spaces and brackets: fields are counted from behind it, and field 22 is the start
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function alive(holder: Holder): boolean {
  // another machine's process cannot be seen: it is trusted
  if (holder.host !== hostname()) return true;
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === '' || holder.started === startOf(holder.pid);
}

function holderOf(file: string): Holder | undefined {
  try {
    const holder = JSON.parse(read(file) ?? '') as Holder;
    return typeof holder.pid === 'number' ? holder : undefined;
  } catch {
    return undefined;
  }
}

// a file of the future is as old as it is ahead: the clock went backwards since, and may take long to come to it
const age = (file: string): number => {
  const info = fs.statSync(file, { throwIfNoEntry: false });
  return info ? Math.abs(Date.now() - info.mtimeMs) : 0;
};

/** Whether a lock file may be removed: its holder is dead, or it has had none for some time. */
function stale(file: string): boolean {
  const holder = holderOf(file);
  return holder ? !alive(holder) : age(file) > DOUBT_MS;
}

/** Links `own` to `file`; false where the name is taken. */
function link(own: string, file: string): boolean {
  try {
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function held(file: string, holder: Holder): Held {
  return {
    release: () => {
      if (holderOf(file)?.token === holder.token) fs.rmSync(file, { force: true });
    },
    handOver: heir => {
      if (holderOf(file)?.token !== holder.token) return;
      const next = `${file}.${holder.token}`;
      fs.writeFileSync(next, JSON.stringify({ ...holder, heir }));
      fs.renameSync(next, file);
    },
  };
}

/** The lock that another part of this process has left to `heir`. */
function inherited(file: string, heir: string, me: Holder): Held | undefined {
  const holder = holderOf(file);
  if (holder?.heir !== heir || holder.pid !== me.pid || holder.started !== me.started) return undefined;
  return holder.host === me.host && holder.boot === me.boot ? held(file, holder) : undefined;
}

/** Removes a dead lock, one process at a time. */
function clear(file: string, own: string): void {
  const taking = `${file}.taking`;
  if (!link(own, taking)) {
    // a process that died in these few lines holds it up for DOUBT_MS
    if (stale(taking) && age(taking) > DOUBT_MS) fs.rmSync(taking, { force: true });
    return;
  }
  try {
    if (fs.existsSync(file) && stale(file)) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(taking, { force: true });
  }
}

/**
 * Takes the lock, or gives its holder: undefined where the file does not say. The folder must be there. With `heir`, a
 * lock that was handed over to that one is taken as well.
 * @throws Error of the file system
 */
export function acquire(file: string, heir?: string): Held | { holder: Holder | undefined } {
  const token = randomBytes(8).toString('hex');
  const me: Holder = {
    host: hostname(),
    boot: bootId(),
    pid: process.pid,
    started: startOf(process.pid),
    token,
  };
  const own = `${file}.${token}`;
  fs.writeFileSync(own, JSON.stringify(me));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (link(own, file)) return held(file, me);
      const left = heir === undefined ? undefined : inherited(file, heir, me);
      if (left !== undefined) return left;
      if (!stale(file)) break;
      clear(file, own);
    }
    return { holder: holderOf(file) };
  } finally {
    fs.rmSync(own, { force: true });
  }
}
