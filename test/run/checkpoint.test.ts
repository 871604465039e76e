import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Checkpoints } from '../../src/run/checkpoint.ts';

it('a run that is stopped while a barrier is on its way leaves no promise that nobody looks after', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const controller = new AbortController();
    const checkpoints = new Checkpoints({ rows: 1 }, 1, controller.signal, async () => undefined);
    const { done } = checkpoints.begin();
    controller.abort(new Error('stopped'));
    // the source could not send the barrier, and so did not come to wait
    await wait(10);
    expect(unhandled).toEqual([]);
    await expect(done).rejects.toThrow('stopped');
  } finally {
    process.off('unhandledRejection', note);
  }
});
