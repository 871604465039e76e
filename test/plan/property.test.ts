import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pipeline, UserError } from '../../src/define/index.ts';
import { applySettings, check, formatProblems, limitTo, sweep } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { pipelines } from './pipelines.ts';

const root = '/nowhere';
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('split', 'docs', 'keep', '1 GiB', 1, {}, []),
);
const ids = fc.constantFrom('a', 'b', 'c', 'd', 'x y', '', '__proto__', 'constructor', 3);
const names = fc.constantFrom(...operators.map(o => o.name), 'read.jsnol', 'toString', '');
const params = fc.dictionary(
  fc.constantFrom(
    'path',
    'index',
    'k',
    'words',
    'column',
    'model',
    'drop',
    'rename',
    'similarity',
    'wait',
    '__proto__',
  ),
  odd,
);
const looseStep = fc.record(
  {
    id: ids,
    op: names,
    with: fc.oneof(params, odd),
    from: fc.oneof(ids, fc.array(ids, { maxLength: 3 }), odd),
    after: fc.oneof(ids, fc.array(ids, { maxLength: 2 })),
    parallel: fc.oneof(fc.integer({ min: -1, max: 4 }), odd),
    where: fc.constantFrom('main', 'worker', 'nowhere'),
    batch: fc.oneof(fc.record({ rows: odd, bytes: odd, linger: odd }, { requiredKeys: [] }), odd),
    memory: odd,
    constructor: odd,
  },
  { requiredKeys: [] },
);
const loose = fc.record(
  {
    name: odd,
    memory: odd,
    operators: odd,
    steps: fc.oneof(fc.array(fc.oneof(looseStep, odd), { maxLength: 7 }), odd),
  },
  { requiredKeys: [] },
);

async function holds(definition: unknown): Promise<void> {
  const { plan, problems } = await check(definition, { operators, root });
  const errors = problems.filter(p => p.severity === 'error');
  if (plan) expect(errors).toEqual([]);
  else expect(problems.length).toBeGreaterThan(0);
  for (const p of problems) expect(p.code).not.toBe('operator-failed');
  expect(formatProblems(problems)).not.toMatch(/\n\s+at .*:\d+:\d+/);
}

describe('check never throws', () => {
  it('on any JSON', async () => {
    await fc.assert(fc.asyncProperty(fc.jsonValue(), holds), { numRuns: 300 });
  });

  it('on anything that looks like a pipeline', async () => {
    await fc.assert(fc.asyncProperty(loose, holds), { numRuns: 1500 });
  });

  it('on a right pipeline with any part replaced by anything', async () => {
    const paths: { base: unknown; path: (string | number)[] }[] = [];
    const walk = (base: unknown, value: unknown, path: (string | number)[]): void => {
      if (path.length > 0) paths.push({ base, path });
      if (typeof value !== 'object' || value === null) return;
      for (const [k, v] of Object.entries(value))
        walk(base, v, [...path, Array.isArray(value) ? Number(k) : k]);
    };
    for (const make of Object.values(pipelines)) walk(make(), make(), []);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), odd, async ({ base, path }, value) => {
        const copy = structuredClone(base) as Record<string | number, unknown>;
        const holder = path
          .slice(0, -1)
          .reduce<unknown>((at, p) => (at as Record<string | number, unknown>)[p], copy);
        (holder as Record<string | number, unknown>)[path[path.length - 1]] = value;
        await holds(copy);
      }),
      { numRuns: 1500 },
    );
  });

  it('nor do settings, limits and sweeps, save for a UserError', () => {
    const quiet = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    };
    fc.assert(
      fc.property(fc.oneof(loose, fc.jsonValue()), given => {
        const definition = given as unknown as Pipeline;
        quiet(() => applySettings(definition, ['steps.a.with.k=1', 'memory=3']));
        quiet(() => limitTo(definition, { from: 'a', stopAfter: 'b', limit: 1, operators }));
        quiet(() => limitTo(definition, { stopAfter: 'a' }));
        quiet(() => sweep(definition, ['steps.a.with.k=1,2'], { operators }));
        quiet(() => sweep(definition, ['steps.0.with.path=x,y'], { operators }));
      }),
      { numRuns: 500 },
    );
  });
});
