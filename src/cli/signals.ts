/** Ctrl-C: the first one asks the work to stop, a second one leaves at once. */
import { EXIT } from './errors.ts';

/** What stopped a run: the exit code follows the shell's custom, 128 + the signal's number. */
export type Interrupt = 'SIGINT' | 'SIGTERM';
const CODES: Record<Interrupt, number> = { SIGINT: EXIT.interrupted, SIGTERM: 143 };

export interface Interrupts {
  /** The signal that came, if one did. */
  readonly received: Interrupt | undefined;
  /** The exit code after it. */
  readonly code: number;
  /** Leaves signals to Node again. */
  release(): void;
}

/** Calls `stop` at the first Ctrl-C (or SIGTERM), and ends the process at the second. */
export function onInterrupt(stop: (signal: Interrupt) => void): Interrupts {
  let received: Interrupt | undefined;
  const handler = (signal: Interrupt): void => {
    if (received) process.exit(CODES[signal]);
    received = signal;
    stop(signal);
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return {
    get received() {
      return received;
    },
    get code() {
      return received ? CODES[received] : EXIT.ok;
    },
    release: () => {
      process.removeListener('SIGINT', handler);
      process.removeListener('SIGTERM', handler);
    },
  };
}
