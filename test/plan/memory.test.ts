import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check, LEAST_UNIT, type MemoryStep, shareMemory } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { indexWiki, withStep } from './pipelines.ts';

const MIB = 2 ** 20;
const one = (more: Partial<MemoryStep> = {}): MemoryStep => ({
  id: 's',
  shape: 'map',
  parallel: 1,
  where: 'main',
  order: 'keep',
  rebatches: false,
  fixedBytes: 0,
  ...more,
});
const count = (s: MemoryStep) => (s.where === 'worker' ? s.parallel : 1);

const anyStep = fc.record({
  id: fc.uuid(),
  shape: fc.constantFrom('source', 'map', 'stream', 'join', 'sink', 'rx') as fc.Arbitrary<
    MemoryStep['shape']
  >,
  parallel: fc.integer({ min: 1, max: 16 }),
  where: fc.constantFrom('main', 'worker') as fc.Arbitrary<MemoryStep['where']>,
  order: fc.constantFrom('keep', 'free') as fc.Arbitrary<MemoryStep['order']>,
  rebatches: fc.boolean(),
  fixedBytes: fc.integer({ min: 0, max: 200 * MIB }),
  asked: fc.option(fc.integer({ min: 1, max: 500 * MIB }), { nil: undefined }),
});

describe('memory shares', () => {
  it('by hand: two stages and one edge', () => {
    // Units: source 2, sink 2 + 8, edge 2, so 14 of 1 MiB each.
    const steps = [one({ shape: 'source' }), one({ shape: 'sink' })];
    const { shares } = shareMemory(14 * MIB, steps, 1);
    expect(shares).toEqual({ edges: [2 * MIB], steps: [2 * MIB, 10 * MIB] });
  });

  it('by hand: workers share what their stage gets, and hold their fixed bytes each', () => {
    // 4 workers: 8 batches in work and 4 that wait = 12 units; the sink 10; the edge 2. 40 MiB go for 4 × 10 fixed.
    const steps = [one({ where: 'worker', parallel: 4, fixedBytes: 10 * MIB }), one({ shape: 'sink' })];
    const { shares } = shareMemory(40 * MIB + 24 * MIB, steps, 1);
    expect(shares).toEqual({ edges: [2 * MIB], steps: [13 * MIB, 10 * MIB] });
  });

  it('takes what a step asks for first', () => {
    const steps = [one({ shape: 'source', asked: 5 * MIB }), one({ shape: 'sink' })];
    const { shares } = shareMemory(17 * MIB, steps, 1);
    expect(shares).toEqual({ edges: [2 * MIB], steps: [5 * MIB, 10 * MIB] });
  });

  it('add up to the memory at most, and each edge gets 64 KiB at least', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 8192 }),
        (steps, edges, mib) => {
          const { shares, problem } = shareMemory(mib * MIB, steps, edges);
          expect(shares === undefined).toBe(problem !== undefined);
          if (problem) {
            expect(problem.needed).toBeGreaterThan(problem.step === undefined ? mib * MIB : 0);
            return;
          }
          const used =
            shares!.edges.reduce((a, b) => a + b, 0) +
            steps.reduce((sum, s, i) => sum + shares!.steps[i] * count(s), 0);
          expect(used).toBeLessThanOrEqual(mib * MIB);
          for (const e of shares!.edges) expect(e).toBeGreaterThanOrEqual(LEAST_UNIT);
          steps.forEach((s, i) => {
            expect(shares!.steps[i]).toBeGreaterThan(s.fixedBytes);
          });
        },
      ),
      { numRuns: 500 },
    );
  });

  it('what a problem says would suffice, suffices', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 6 }),
        (steps, edges) => {
          const { problem } = shareMemory(1, steps, edges);
          const first = problem!;
          const mended = steps.map(s => (s.id === first.step ? { ...s, asked: first.needed } : s));
          if (first.step === undefined) expect(shareMemory(first.needed, steps, edges).shares).toBeDefined();
          else expect(shareMemory(1, mended, edges).problem?.step).not.toBe(first.step);
        },
      ),
    );
  });

  it('reach the plan: edges and steps of a flow fit into the memory of the run', async () => {
    const p = withStep(indexWiki(), 'encode', {
      with: { model: 'm', fixed: 100 * MIB },
      where: 'worker',
      parallel: 2,
    });
    const { plan, problems } = await check({ ...p, memory: '512 MiB' }, { operators, root: '/nowhere' });
    expect(problems).toEqual([]);
    const [flow] = plan!.flows;
    const used =
      flow.edges.reduce((sum, e) => sum + e.bytes, 0) +
      flow.steps.reduce((sum, s) => sum + s.memory * (s.where === 'worker' ? s.parallel : 1), 0);
    expect(used).toBeLessThanOrEqual(512 * MIB);
    expect(used).toBeGreaterThan(500 * MIB);
    const encode = flow.steps.find(s => s.id === 'encode')!;
    expect(encode.fixedBytes).toBe(100 * MIB);
    expect(encode.memory).toBeGreaterThan(100 * MIB);
  });

  it('of a map with several instances on the main thread is shared by them, what they hold together counted once', () => {
    const map = one({ fixedBytes: 100 * MIB, parallel: 8 });
    const { shares } = shareMemory(256 * MIB, [map], 0);
    const [each] = shares?.steps ?? [];
    expect(100 * MIB + (each - 100 * MIB) * 8).toBeLessThanOrEqual(256 * MIB);
    expect(each).toBeGreaterThan(119 * MIB);
  });

  it('say who needs it where it does not suffice', async () => {
    const p = withStep(indexWiki(), 'encode', {
      with: { model: 'm', fixed: 600 * MIB },
      where: 'worker',
      parallel: 2,
    });
    const { problems } = await check({ ...p, memory: '1 GiB' }, { operators, root: '/nowhere' });
    expect(problems.map(x => x.code)).toEqual(['memory-too-small']);
    expect(problems[0].message).toMatch(
      /^memory: 1 GiB is too little: these steps need 1\.2 GiB at the least; most of it for "encode" 1\.2 GiB in 2 workers$/,
    );
    expect(problems[0].help).toMatch(/^say memory: "120\d MiB", or fewer workers$/);
  });
});
