import { setImmediate } from 'node:timers/promises';

let lastBreath = 0;

/**
 * Lets timers, signals and I/O run: where data never has to wait, promises alone would keep the event loop to
 * themselves. A promise at most every 12 ms, else nothing.
 */
export function breathe(): Promise<void> | undefined {
  const now = performance.now();
  if (now - lastBreath < 12) return undefined;
  return setImmediate().then(() => {
    lastBreath = performance.now();
  });
}
