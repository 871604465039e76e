import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/arrow/index.ts';
import type { AnyStep } from '../../src/define/index.ts';
import type { RunEvent } from '../../src/events/index.ts';
import { startRun } from '../../src/run/index.ts';
import { type DeadLetter, readCommits, readDeadLetters, stateFolderOf } from '../../src/state/index.ts';
import { log, seenBy } from './fixtures/operators.ts';
import { planOf, registryUrl, runSteps, start, tempRoot, within } from './helpers.ts';

const ns = (name: string): unknown[] => seenBy(name).rows.map(r => r.n);
const upTo = (n: number, f: (i: number) => number = i => i): number[] =>
  Array.from({ length: n }, (_, i) => f(i));

describe('a run', () => {
  it('moves rows from a source through maps to a sink, in order, and says what happened', async () => {
    const result = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 10 } },
      { id: 'twice', op: 'test.double' },
      { id: 'even', op: 'test.every', with: { of: 4 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(result.error).toBeUndefined();
    expect(result.status).toBe('ok');
    expect(ns('a')).toEqual([0, 4, 8, 12, 16]);
    expect(seenBy('a').rows[1]).toMatchObject({ id: 'r2', text: 'text 2 ', thread: 'main' });
    expect(result.steps.map(s => [s.id, s.rowsIn, s.rowsOut])).toEqual([
      ['src', 10, 10],
      ['twice', 10, 10],
      ['even', 10, 5],
      ['out', 5, 5],
    ]);
    expect(seenBy('a').events).toEqual(['prepare', 'publish {"rows":5}', 'close']);
    expect(result.reports.out.data).toEqual({ rows: 5 });
    expect(log).toContain('close twice');
  });

  it('handles an empty source', async () => {
    const result = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 0 } },
      { id: 'twice', op: 'test.double' },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(result.status).toBe('ok');
    expect(ns('a')).toEqual([]);
    expect(seenBy('a').events).toContain('publish {"rows":0}');
  });

  it('explodes rows with the columns that pass through', async () => {
    await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 6 } },
      { id: 'copies', op: 'test.copies', with: { mod: 3 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(seenBy('a').rows.map(r => [r.copy, r.n])).toEqual([
      ['r1#0', 1],
      ['r2#0', 2],
      ['r2#1', 2],
      ['r4#0', 4],
      ['r5#0', 5],
      ['r5#1', 5],
    ]);
    // rows that gave nothing are named to those who ask
    expect(seenBy('a').gone.map(r => r.id)).toEqual(['r0', 'r3']);
  });

  it('cuts what is larger than the channel behind it and loses nothing', async () => {
    const result = await runSteps(
      [
        { id: 'src', op: 'test.count', with: { rows: 600, batch: 300, size: 20_000 } },
        { id: 'noop', op: 'test.noop' },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ],
      { memory: '6 MiB' },
    );
    expect(result.status).toBe('ok');
    expect(ns('a')).toEqual(upTo(600));
    expect(result.steps[1].rowsOut).toBe(600);
  });

  it('gives a stream to several steps and joins it again in order', async () => {
    const result = await within(
      20_000,
      runSteps([
        { id: 'src', op: 'test.count', with: { rows: 500, batch: 7 } },
        { id: 'left', op: 'test.double', from: 'src', parallel: 3, with: { delayMs: 2 } },
        { id: 'right', op: 'test.noop', from: 'src', batch: { rows: 11, linger: '5ms' } },
        { id: 'both', op: 'test.join', from: ['left', 'right'] },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ]),
    );
    expect(result.error).toBeUndefined();
    expect(seenBy('a').rows).toEqual(upTo(500).map(i => ({ id: `r${i}`, sum: 3 * i, rows: 2 })));
  });

  it('joins what a filter left: drop, partial or fail', async () => {
    const steps = (missing: string) => [
      { id: 'src', op: 'test.count', with: { rows: 8, batch: 3 } },
      { id: 'left', op: 'test.every', from: 'src', with: { of: 3 } },
      { id: 'right', op: 'test.noop', from: 'src' },
      { id: 'both', op: 'test.join', from: ['left', 'right'], with: { missing } },
      { id: 'out', op: 'test.collect', with: { as: missing } },
    ];
    await runSteps(steps('drop'));
    expect(seenBy('drop').rows.map(r => r.id)).toEqual(['r0', 'r3', 'r6']);
    await runSteps(steps('partial'));
    expect(seenBy('partial').rows.map(r => [r.id, r.rows])).toEqual(
      upTo(8).map(i => [`r${i}`, i % 3 === 0 ? 2 : 1]),
    );
    const failed = await runSteps(steps('fail'));
    expect(failed.status).toBe('failed');
    expect(failed.error).toMatchObject({ step: 'both' });
    expect(seenBy('fail').events).toEqual(['abort', 'close']);
  });

  it('ends with a word where a branch swallows rows that a join waits for', async () => {
    const result = await within(
      60_000,
      runSteps(
        [
          { id: 'src', op: 'test.count', with: { rows: 20_000, batch: 20, size: 500 } },
          { id: 'left', op: 'test.noop', from: 'src' },
          { id: 'right', op: 'test.rx', from: 'src', with: { how: 'swallow' } },
          { id: 'both', op: 'test.join', from: ['left', 'right'] },
          { id: 'out', op: 'test.collect', with: { as: 'still' } },
        ],
        { memory: '4 MiB' },
      ),
    );
    expect(result.error?.step).toBe('both');
    expect(result.error?.message).toMatch(/^the run stands still: .*"both" \(test\.join\).* waits for rows/);
    expect(seenBy('still').events).toEqual(['abort', 'close']);
  });

  it('joins inputs of two sources by key', async () => {
    await runSteps([
      { id: 'a', op: 'test.count', with: { rows: 9, batch: 2 } },
      { id: 'b', op: 'test.count', with: { rows: 9, batch: 5 } },
      { id: 'both', op: 'test.join', from: ['a', 'b'] },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(seenBy('a').rows.map(r => r.sum)).toEqual(upTo(9, i => 2 * i));
  });

  it('runs flows one after the other where `after` says so', async () => {
    const events: string[] = [];
    const handle = await start([
      { id: 'two', op: 'test.count', after: 'out1', with: { rows: 3 } },
      { id: 'out2', op: 'test.collect', with: { as: 'b', path: 'b' } },
      { id: 'one', op: 'test.count', with: { rows: 3 } },
      { id: 'out1', op: 'test.collect', with: { as: 'a', path: 'a' } },
    ]);
    handle.events.subscribe(e => {
      if (e.type === 'open') events.push(`open ${e.step}`);
      if (e.type === 'commit') events.push(`commit ${Object.keys(e.sinks).join()}`);
    });
    const result = await handle.result;
    expect(result.status).toBe('ok');
    expect(events).toEqual(['open one', 'open out1', 'commit out1', 'open two', 'open out2', 'commit out2']);
  });

  it('keeps state in a stream and awaits its end', async () => {
    await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 6, batch: 2 } },
      { id: 'sum', op: 'test.running' },
      { id: 'back', op: 'test.reverse' },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(seenBy('a').rows.map(r => r.sum)).toEqual([10, 15, 3, 6, 0, 1]);
  });
});

describe('parallel stages', () => {
  it('keep order by default, whoever is done first', async () => {
    await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 60, batch: 3 } },
      { id: 'twice', op: 'test.double', parallel: 4, with: { delayMs: 8 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(ns('a')).toEqual(upTo(60, i => 2 * i));
  });

  it('lose and double nothing when order is free', async () => {
    const steps = [
      { id: 'src', op: 'test.count', with: { rows: 60, batch: 3 } },
      { id: 'twice', op: 'test.double', parallel: 4, order: 'free' as const, with: { delayMs: 8 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ];
    // without a ledger: with one, the rows of a source row stay together, so order is kept
    await (await start(steps, {}, { incremental: false })).result;
    expect(
      ns('a')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(upTo(60, i => 2 * i));
    expect(ns('a')).not.toEqual(upTo(60, i => 2 * i));
  });
});

describe('workers', () => {
  it('give what the main thread gives, in order, decoding included', async () => {
    const steps = (where: 'main' | 'worker', as: string) => [
      {
        id: 'src',
        op: 'test.lines',
        where,
        with: { rows: 50, batch: 7 },
        parallel: where === 'worker' ? 2 : 1,
      },
      { id: 'twice', op: 'test.double', where, parallel: where === 'worker' ? 2 : 1 },
      { id: 'copies', op: 'test.copies', where, parallel: where === 'worker' ? 2 : 1 },
      { id: 'out', op: 'test.collect', with: { as } },
    ];
    const main = await runSteps(steps('main', 'm'));
    const worker = await runSteps(steps('worker', 'w'));
    expect(worker.error).toBeUndefined();
    expect(seenBy('w').rows[0].thread).toBe('worker');
    const without = (name: string) => seenBy(name).rows.map(({ thread: _, ...rest }) => rest);
    expect(without('w')).toEqual(without('m'));
    expect(seenBy('w').gone.map(r => r.id)).toEqual(seenBy('m').gone.map(r => r.id));
    expect(worker.steps.map(s => [s.rowsIn, s.rowsOut])).toEqual(main.steps.map(s => [s.rowsIn, s.rowsOut]));
  });

  it('own a stream', async () => {
    await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 6, batch: 2 } },
      { id: 'sum', op: 'test.running', where: 'worker' },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(seenBy('a').rows.map(r => r.sum)).toEqual([0, 1, 3, 6, 10, 15]);
  });

  it.each(['exit', 'memory'])('that die (%s) end the run with a clear word, never a hang', async how => {
    const result = await within(
      25_000,
      runSteps([
        { id: 'src', op: 'test.count', with: { rows: 40 } },
        { id: 'bad', op: 'test.dies', where: 'worker', with: { how } },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ]),
    );
    expect(result.status).toBe('failed');
    expect(result.error?.step).toBe('bad');
    expect(result.error?.message).toMatch(how === 'exit' ? /ended with code 3/ : /out of memory/);
    expect(seenBy('a').events).toEqual(['abort', 'close']);
  });

  it('that cannot open say why', async () => {
    const result = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 4 } },
      { id: 'bad', op: 'test.dies', where: 'worker', with: { how: 'open' } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(result.error).toMatchObject({ step: 'bad', message: 'the model is not there' });
  });
});

describe('errors', () => {
  it('name the step and the row, close everything and publish nothing', async () => {
    const result = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 30 } },
      { id: 'picky', op: 'test.double', with: { failOn: 17 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(result.status).toBe('failed');
    expect(result.error).toMatchObject({ step: 'picky', message: 'id r17: 17 is not to my taste' });
    expect(result.error?.help).toContain('dead-letter');
    expect(seenBy('a').events).toEqual(['abort', 'close']);
    expect(log).toEqual(expect.arrayContaining(['close src', 'close picky', 'close out']));
  });

  it.each(['main', 'worker'] as const)('are the row’s, not the batch’s: dead letters (%s)', async where => {
    const root = await tempRoot();
    const plan = await planOf(
      [
        { id: 'src', op: 'test.count', with: { rows: 40, batch: 13 } },
        { id: 'picky', op: 'test.double', where, with: { failOn: 7 }, onError: 'dead-letter' },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ],
      {},
      root,
    );
    const letters: string[] = [];
    const handle = startRun(plan, { registryUrl });
    handle.events.subscribe(e => {
      if (e.type === 'dead-letter') letters.push(e.where);
    });
    const result = await handle.result;
    expect(result.status).toBe('ok');
    expect(result.steps[1].deadLetters).toBe(5);
    expect(ns('a')).toEqual(
      upTo(40)
        .filter(n => n === 0 || n % 7 !== 0)
        .map(n => 2 * n),
    );
    expect(letters).toEqual(['id r7', 'id r14', 'id r21', 'id r28', 'id r35']);
    const folder = stateFolderOf(root, 'test');
    const record = (await readCommits(folder)).src;
    const stored: DeadLetter[] = [];
    for await (const l of readDeadLetters(join(folder, 'dead-letters', record.id))) stored.push(l);
    expect(stored.map(l => l.where)).toEqual(letters);
    expect(stored[0]).toMatchObject({ step: 'picky', message: '7 is not to my taste' });
    expect(stored[0].row && rowsOf(stored[0].row)).toEqual([{ id: 'r7', n: 7, text: 'text 7 ' }]);
    expect(stored[0].fingerprint).toMatch(/^[0-9a-f]{16,}$/);
  });

  it('skip counts rows and goes on', async () => {
    const result = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 20 } },
      { id: 'picky', op: 'test.double', with: { failOn: 5 }, onError: 'skip' },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(result.steps[1]).toMatchObject({ skipped: 3, deadLetters: 0, rowsOut: 17 });
  });

  it('of records go where onError of the source says', async () => {
    const steps = (onError: 'fail' | 'skip' | 'dead-letter') => [
      { id: 'src', op: 'test.lines', with: { rows: 20, bad: [3, 11] }, onError },
      { id: 'out', op: 'test.collect', with: { as: onError } },
    ];
    const failed = await runSteps(steps('fail'));
    expect(failed.error).toMatchObject({ step: 'src', message: 'lines:4: not a number' });
    const skipped = await runSteps(steps('skip'));
    expect(skipped.steps[0]).toMatchObject({ rowsOut: 18, skipped: 2 });
    const kept = await runSteps(steps('dead-letter'));
    expect(kept.steps[0]).toMatchObject({ rowsOut: 18, deadLetters: 2 });
  });

  it('name nulls in columns that are read', async () => {
    const steps = (onError: 'fail' | 'dead-letter') => [
      { id: 'src', op: 'test.count', with: { rows: 6 } },
      { id: 'nulls', op: 'test.nulls' },
      { id: 'shout', op: 'test.shout', onError },
      { id: 'out', op: 'test.collect', with: { as: onError } },
    ];
    expect((await runSteps(steps('fail'))).error?.message).toBe('id r2: column "text" is null');
    const result = await runSteps(steps('dead-letter'));
    expect(result.steps[2].deadLetters).toBe(2);
    expect(seenBy('dead-letter').rows.map(r => r.text)).toEqual(['T0', 'T1', 'T3', 'T4']);
  });

  it('of a source, a sink’s prepare and an rx operator end the run', async () => {
    const source = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 20, failAt: 8 } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    expect(source.error).toMatchObject({ step: 'src', message: 'row 8 cannot be read' });
    const sink = await runSteps([
      { id: 'src', op: 'test.count' },
      { id: 'out', op: 'test.collect', with: { as: 'b', failPrepare: true } },
    ]);
    expect(sink.error).toMatchObject({ step: 'out', message: 'the disk is full' });
    expect(seenBy('b').events).toEqual(['abort', 'close']);
    const rx = await runSteps([
      { id: 'src', op: 'test.count', with: { rows: 40 } },
      { id: 'rx', op: 'test.rx', with: { how: 'fail' } },
      { id: 'out', op: 'test.collect', with: { as: 'c' } },
    ]);
    expect(rx.error).toMatchObject({ step: 'rx', message: 'the third packet is too much' });
  });

  it('abort in all directions: nobody waits for what will not come', async () => {
    const result = await within(
      10_000,
      runSteps(
        [
          { id: 'src', op: 'test.count', with: { rows: 4000, batch: 10, size: 2000 } },
          { id: 'fine', op: 'test.noop', from: 'src' },
          { id: 'slow', op: 'test.collect', from: 'fine', with: { as: 'slow', path: 's', delayMs: 3 } },
          { id: 'picky', op: 'test.double', from: 'src', with: { failOn: 39 } },
          { id: 'out', op: 'test.collect', from: 'picky', with: { as: 'out', path: 'o' } },
        ],
        { memory: '4 MiB' },
      ),
    );
    expect(result.error?.step).toBe('picky');
    expect(seenBy('slow').events).toEqual(['abort', 'close']);
  });
});

describe('parallel maps under back-pressure', () => {
  const behind = (sink: AnyStep['with'], map: AnyStep['with'] = {}): AnyStep[] => [
    { id: 'src', op: 'test.count', with: { rows: 20_000, batch: 20, size: 500 } },
    { id: 'map', op: 'test.double', with: map, parallel: 3 },
    { id: 'out', op: 'test.collect', with: { as: 'a', ...sink } },
  ];

  it('end where the sink fails', async () => {
    const result = await within(30_000, runSteps(behind({ failAt: 400 }), { memory: '3 MiB' }));
    expect(result.error).toMatchObject({ step: 'out', message: 'the sink has enough' });
  });
  it.each(['keep', 'free'] as const)(
    'end where a piece fails that others wait for (order: %s)',
    async order => {
      // the first piece takes longest and fails, the others are done long before
      const [src, map, out] = behind({}, { delayMs: 200, failOn: 7 });
      const result = await within(30_000, runSteps([src, { ...map, order }, out], { memory: '64 MiB' }));
      expect(result.error).toMatchObject({ step: 'map', message: 'id r7: 7 is not to my taste' });
    },
  );
  it('end when they are aborted', async () => {
    const handle = await start(behind({ delayMs: 5 }), { memory: '3 MiB' });
    handle.events.subscribe(e => {
      if (e.type === 'open' && e.step === 'out') setTimeout(() => handle.abort('enough'), 200);
    });
    expect(await within(30_000, handle.result)).toMatchObject({ status: 'aborted' });
  });
});

describe('stopping', () => {
  it('by signal or abort() ends every stage and publishes nothing', async () => {
    const controller = new AbortController();
    const handle = await start(
      [
        { id: 'src', op: 'test.count', with: { rows: 100_000 } },
        { id: 'out', op: 'test.collect', with: { as: 'a', delayMs: 1 } },
      ],
      {},
      { signal: controller.signal },
    );
    handle.events.subscribe(e => {
      if (e.type === 'open' && e.step === 'out') setTimeout(() => controller.abort(), 40);
    });
    const result = await within(15_000, handle.result);
    expect(result.status).toBe('aborted');
    expect(seenBy('a').events).toEqual(['abort', 'close']);
  });

  it.each(['opens', 'works'])('does not wait for a worker that never answers (it %s)', async when => {
    const handle = await start([
      { id: 'src', op: 'test.count', with: { rows: 10 } },
      { id: 'bad', op: 'test.dies', where: 'worker', with: { how: 'never' } },
      { id: 'out', op: 'test.collect', with: { as: 'a' } },
    ]);
    const opened = new Promise<void>(resolve => {
      handle.events.subscribe(e => {
        if (e.type === 'open' && e.step === 'bad') setTimeout(resolve, 100);
      });
    });
    if (when === 'works') await opened;
    handle.abort('enough');
    const result = await within(15_000, handle.result);
    expect(result).toMatchObject({ status: 'aborted', error: { message: 'enough' } });
  });
});

describe('rx operators', () => {
  it.each(['same', 'buffer', 'late'])('pass packets in their window (%s)', async how => {
    const result = await within(
      15_000,
      runSteps([
        { id: 'src', op: 'test.count', with: { rows: 400, batch: 4 } },
        { id: 'rx', op: 'test.rx', with: { how } },
        { id: 'out', op: 'test.collect', with: { as: how } },
      ]),
    );
    expect(result.error).toBeUndefined();
    expect(ns(how)).toEqual(upTo(400));
    const inside = seenBy('rx inside').rows.map(r => r.inside as number);
    if (how === 'late') expect(Math.max(...inside)).toBeLessThanOrEqual(16);
  });

  it('that swallow packets go on', async () => {
    const result = await within(
      15_000,
      runSteps([
        { id: 'src', op: 'test.count', with: { rows: 200, batch: 4 } },
        { id: 'rx', op: 'test.rx', with: { how: 'swallow' } },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ]),
    );
    expect(result.status).toBe('ok');
    expect(seenBy('a').rows).toHaveLength(8);
  });
});

describe('what a run tells', () => {
  it('events, taps, progress and the bottleneck', async () => {
    const handle = await start(
      [
        { id: 'src', op: 'test.count', with: { rows: 120, batch: 4 } },
        { id: 'slow', op: 'test.double', with: { delayMs: 12 } },
        { id: 'out', op: 'test.collect', with: { as: 'a' } },
      ],
      {},
      { progressMs: 20 },
    );
    const events: RunEvent[] = [];
    let tapped = 0;
    let completed = false;
    handle.events.subscribe(e => events.push(e));
    handle.tap('slow').subscribe({
      next: batch => {
        tapped += batch.numRows;
      },
      complete: () => {
        completed = true;
      },
    });
    const result = await handle.result;
    await new Promise(resolve => setImmediate(resolve));
    expect(tapped).toBe(120);
    expect(completed).toBe(true);
    expect(events[0]).toMatchObject({ type: 'start', pipeline: 'test' });
    expect(events.at(-1)).toMatchObject({ type: 'end' });
    const progress = events.filter(e => e.type === 'progress');
    expect(progress.length).toBeGreaterThan(2);
    expect(progress.at(-1)?.steps[0].progress).toEqual({ done: 120, total: 120, unit: 'rows' });
    expect(events.filter(e => e.type === 'position')).toEqual([
      { type: 'position', step: 'src', position: 120 },
    ]);
    expect(result.bottleneck).toBe('slow');
    expect(result.peakBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(() => handle.tap('nothing')).toThrow(/no step "nothing"/);
  });
});

describe('state', () => {
  it('lets one run of a pipeline write at a time', async () => {
    const root = await tempRoot();
    const steps = [
      { id: 'src', op: 'test.count', with: { rows: 400 } },
      { id: 'out', op: 'test.collect', with: { as: 'a', delayMs: 2 } },
    ];
    const first = startRun(await planOf(steps, {}, root), { registryUrl });
    await new Promise<void>(resolve => {
      first.events.subscribe(e => e.type === 'open' && resolve());
    });
    const second = await startRun(await planOf(steps, {}, root), { registryUrl }).result;
    expect(second.status).toBe('failed');
    expect(second.error?.message).toMatch(/is being written by process \d+/);
    expect((await first.result).status).toBe('ok');
    expect(existsSync(join(stateFolderOf(root, 'test'), 'lock'))).toBe(false);
    expect((await startRun(await planOf(steps, {}, root), { registryUrl }).result).status).toBe('ok');
  });

  it('records what was committed and up to where sources were read', async () => {
    const root = await tempRoot();
    await startRun(
      await planOf(
        [
          { id: 'src', op: 'test.count', with: { rows: 7 } },
          { id: 'out', op: 'test.collect', with: { as: 'a' } },
        ],
        {},
        root,
      ),
      { registryUrl },
    ).result;
    expect((await readCommits(stateFolderOf(root, 'test'))).src).toMatchObject({
      published: true,
      positions: { src: 7 },
      sinks: [{ step: 'out', op: 'test.collect', token: { rows: 7 } }],
    });
  });
});
