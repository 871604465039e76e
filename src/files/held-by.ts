/** Who holds a lock, for people, and what to do about it. */
import { hostname } from 'node:os';

export interface HeldBy {
  readonly who: string;
  readonly help: string;
}

/** @param quiet milliseconds since the holder's last sign of life */
export function heldBy(
  holder: { readonly pid: number; readonly host: string } | undefined,
  file: string,
  quiet: number,
): HeldBy {
  if (!holder) return { who: 'process ?', help: `wait until it has ended; if there is none, remove ${file}` };
  const who = `process ${holder.pid} on ${holder.host}`;
  if (holder.host === hostname())
    return { who, help: `wait until it has ended; if there is no such process, remove ${file}` };
  const ago = Math.round(quiet / 1000);
  return {
    who: `${who}, another machine, whose last sign was ${ago} s ago`,
    help: `wait until it has ended; where the folder was copied or that machine is gone, wait a minute, or remove ${file}`,
  };
}
