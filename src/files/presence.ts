/**
 * Who has something in a folder open, so that what only one may do is done by the last to leave or the first to come. A
 * file a stay; those of dead processes do not count and are removed.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquire, giveSigns, isAlive, thisProcess } from './lock.ts';

const PREFIX = 'open-';
/** How long one waits for others that come or go. */
const MOST_WAIT_MS = 60_000;

/** Says that this process is there; the function it gives takes that back. */
export function enter(folder: string): () => void {
  const me = thisProcess();
  const file = join(folder, `${PREFIX}${me.token}`);
  // whole or not at all: a file without its holder would not count
  fs.writeFileSync(`${file}.tmp`, JSON.stringify(me));
  fs.renameSync(`${file}.tmp`, file);
  const end = giveSigns(file, me.token);
  return () => {
    end();
    fs.rmSync(file, { force: true });
  };
}

function othersIn(folder: string): boolean {
  let some = false;
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(PREFIX) || name.endsWith('.tmp')) continue;
    const file = join(folder, name);
    if (isAlive(file)) some = true;
    else fs.rmSync(file, { force: true });
  }
  return some;
}

/** Does something while nobody else enters or leaves; `others` says whether anybody has entered and not left. */
export async function atTheDoor<T>(
  folder: string,
  work: (others: () => boolean) => T | Promise<T>,
): Promise<T> {
  const gate = join(folder, 'gate');
  const until = performance.now() + MOST_WAIT_MS;
  for (;;) {
    const got = acquire(gate);
    if ('release' in got) {
      try {
        return await work(() => othersIn(folder));
      } finally {
        got.release();
      }
    }
    // whoever takes so long is at work there
    if (performance.now() > until) return work(() => true);
    await sleep(10);
  }
}
