import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { keepTidy } from '../../src/run/tidy.ts';

const MIB = 2 ** 20;

/** Makes buffers that small collections take for old, and lets go of them. Gives the bytes outside the heap just before. */
function litter(): number {
  const held = Array.from({ length: 32 }, () => new Uint8Array(MIB));
  let small: object[] = [];
  for (let i = 0; i < 3e6; i++) {
    if (i % 1e5 === 0) small = [];
    small.push({ i });
  }
  return held.length > 0 ? process.memoryUsage().external : 0;
}

it('bytes of buffers that outlived small collections are given back while nothing else would look', async () => {
  const leave = keepTidy(0);
  try {
    const before = process.memoryUsage().external;
    expect(litter()).toBeGreaterThan(before + 30 * MIB);
    let now = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 300 && now > before + 8 * MIB; tries++) {
      await wait(100);
      // what was freed is counted at the next small collection, which a run comes to all the time
      Array.from({ length: 1e6 }, (_, i) => ({ i }));
      now = process.memoryUsage().external;
    }
    expect(now).toBeLessThanOrEqual(before + 8 * MIB);
  } finally {
    leave();
  }
});
