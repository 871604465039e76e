/** How a run lets go of its state: whatever fails then, it tells, ends, and leaves no lock. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { stateFolderOf } from '../../src/state/index.ts';
import { operators } from '../incremental/fixtures/operators.ts';
import { inFolder, save } from '../incremental/shapes.ts';

const registryUrl = new URL('../incremental/fixtures/operators.ts', import.meta.url).href;
const steps = [
  { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
  { id: 't', op: 'inc.table', with: { path: 't' } },
];
const planOf = async (root: string) =>
  (await check({ name: 'inc', steps }, { operators, root, mode: 'run' })).plan as never;

it('a ledger that cannot be sealed costs a warning, not the result and not the lock', () =>
  inFolder(async root => {
    save(root, { a: [{ id: 'x', n: 1, text: 'one' }] });
    const aside = join(stateFolderOf(root, 'inc'), 'ledger/data.mdb.seal.tmp');
    const run = startRun(await planOf(root), { registryUrl });
    const told: string[] = [];
    let ended = false;
    run.events.subscribe(e => {
      if (e.type === 'commit') mkdirSync(aside);
      if (e.type === 'warning') told.push(e.message);
      if (e.type === 'end') ended = true;
    });
    const result = await run.result;
    expect(result.status).toBe('ok');
    expect(ended).toBe(true);
    expect(told.join('\n')).toContain('the ledger has no checksum');
    expect(existsSync(join(stateFolderOf(root, 'inc'), 'lock'))).toBe(false);
    rmSync(aside, { recursive: true, force: true });
    const next = await startRun(await planOf(root), { registryUrl }).result;
    expect(next.error).toBeUndefined();
    expect(next.steps[0]).toMatchObject({ kept: 1 });
  }));

it('says why a signal stopped it', () =>
  inFolder(async root => {
    save(root, { a: [{ id: 'x', n: 1, text: 'one' }] });
    const stopped = async (reason?: unknown) => {
      const { status, error } = await startRun(await planOf(root), {
        registryUrl,
        signal: AbortSignal.abort(reason),
      }).result;
      return [status, error?.message];
    };
    expect(await stopped('the budget is spent')).toEqual(['aborted', 'the budget is spent']);
    expect(await stopped(new Error('shutting down'))).toEqual([
      'aborted',
      'the run was stopped: shutting down',
    ]);
    expect(await stopped()).toEqual(['aborted', 'the run was stopped']);
  }));
