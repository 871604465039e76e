import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BIN, FIXTURES, folderWith, jsonl, start } from './millrace.ts';

const rows = Array.from({ length: 600 }, (_, i) => ({ id: i, text: `text ${i}` }));
const SLOW = join(FIXTURES, 'slow.ts');

describe('Ctrl-C', () => {
  it('stops cleanly, publishes nothing and says how to go on', async () => {
    const here = folderWith({ 'docs.jsonl': jsonl(rows) });
    const run = start(here, ['run', SLOW]);
    // the first line of progress: the run is in the middle
    await run.said('slow ');
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('stopping; Ctrl-C again leaves at once');
    expect(stderr).toContain('slow  stopped after');
    expect(stderr).toContain('nothing was published');
    expect(stderr).toContain(`to go on: node ${relative(here, BIN)} run ${SLOW}`);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(here, 'out.jsonl'))).toBe(false);
  });

  it('leaves at once when it comes twice', async () => {
    const here = folderWith({ 'docs.jsonl': jsonl(rows) });
    // a batch takes a minute: the first one cannot end in time
    const run = start(here, ['run', SLOW, '--set', 'steps.wait.with.ms=60000']);
    await run.said('slow ');
    run.child.kill('SIGINT');
    await run.said('stopping');
    await sleep(50);
    const before = performance.now();
    run.child.kill('SIGINT');
    const { code } = await run.ended;
    expect(code).toBe(130);
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
