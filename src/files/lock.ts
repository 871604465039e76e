/**
 * One writer at a time: a lock file that a dead process does not hold. Files are made by `link`, so a lock appears with
 * its holder in it or not at all; a dead one is removed under a second lock, so that of many who find it dead none can
 * remove the lock of the one who was quicker.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { type HeldBy, heldBy } from './held-by.ts';

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

/** How often a holder gives a sign of life, and how long after the last one a lock of another machine counts as dead. */
const SIGN_MS = 10_000;
const DEAD_MS = 60_000;

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

/** @param quiet milliseconds since its file was touched */
function alive(holder: Holder, quiet: number): boolean {
  // another machine's process cannot be seen, but its signs can; a folder that was copied has none after a while
  if (holder.host !== hostname()) return quiet <= DEAD_MS;
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

const written = (file: string): number | undefined => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;

/**
 * How long ago a file was written, by the clock of its file system where `own` was just written there: other machines'
 * clocks may differ. A file of the future is as old as it is ahead: the clock went backwards since.
 */
const age = (file: string, own?: string): number => {
  const at = written(file);
  const now = (own === undefined ? undefined : written(own)) ?? Date.now();
  return at === undefined ? 0 : Math.abs(now - at);
};

/** Whether a lock file may be removed: its holder is dead, or it has had none for some time. */
function stale(file: string, own?: string): boolean {
  const holder = holderOf(file);
  return holder ? !alive(holder, age(file, own)) : age(file) > DOUBT_MS;
}

/** Touches a lock file while it is held. Nothing waits for it, and where it cannot be touched nothing is lost. */
export function giveSigns(file: string, token: string): () => void {
  const timer = setInterval(() => {
    if (holderOf(file)?.token !== token) return clearInterval(timer);
    try {
      const handle = fs.openSync(file, 'r+');
      // its own first byte, so that the file system's clock says when
      fs.writeSync(handle, '{', 0);
      fs.closeSync(handle);
    } catch {
      // the next sign may do
    }
  }, SIGN_MS);
  timer.unref();
  return () => clearInterval(timer);
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
  const end = giveSigns(file, holder.token);
  return {
    release: () => {
      end();
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
    if (fs.existsSync(file) && stale(file, own)) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(taking, { force: true });
  }
}

/**
 * Takes the lock, or gives its holder: undefined where the file does not say. The folder must be there. With `heir`, a
 * lock that was handed over to that one is taken as well.
 * @throws Error of the file system
 */
export function acquire(file: string, heir?: string): Held | { holder: Holder | undefined; heldBy: HeldBy } {
  const me = thisProcess();
  const own = `${file}.${me.token}`;
  fs.writeFileSync(own, JSON.stringify(me));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (link(own, file)) return held(file, me);
      const left = heir === undefined ? undefined : inherited(file, heir, me);
      if (left !== undefined) return left;
      if (!stale(file, own)) break;
      clear(file, own);
    }
    const holder = holderOf(file);
    return { holder, heldBy: heldBy(holder, file, age(file, own)) };
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/** Who holds a lock, without asking for it; undefined where nobody does. */
export const holding = (file: string): HeldBy | undefined =>
  fs.existsSync(file) && !stale(file) ? heldBy(holderOf(file), file, age(file)) : undefined;

/** This process, as others know it by. */
export const thisProcess = (): Holder => ({
  host: hostname(),
  boot: bootId(),
  pid: process.pid,
  started: startOf(process.pid),
  token: randomBytes(8).toString('hex'),
});

/** Whether a file made with {@link thisProcess} in it is one of a process that lives, as far as can be told. */
export const isAlive = (file: string): boolean => !stale(file);
