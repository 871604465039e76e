import { describe, expect, it } from 'vitest';
import { check, formatProblems } from '../../src/plan/index.ts';
import { mutations } from './mutations.ts';
import { operators } from './operators.ts';
import { pipelines } from './pipelines.ts';

const root = '/nowhere';

describe('one thing wrong gives one problem', () => {
  it.each(Object.entries(pipelines))('%s is right as it stands', async (_name, make) => {
    const { plan, problems } = await check(make(), { operators, root });
    expect(problems).toEqual([]);
    expect(plan?.flows.flatMap(f => f.steps.map(s => s.id)).sort()).toEqual(
      make()
        .steps.map(s => s.id)
        .sort(),
    );
  });

  const all = mutations();
  it('has many cases, each with a title of its own', () => {
    expect(all.length).toBeGreaterThan(200);
    expect(new Set(all.map(m => m.title)).size).toBe(all.length);
  });

  it.each(all.map(m => [m.title, m] as const))('%s', async (_title, { definition, code, path }) => {
    const { plan, problems } = await check(definition, { operators, root });
    expect(plan).toBeUndefined();
    expect(problems.map(p => ({ severity: p.severity, code: p.code, path: p.path }))).toEqual([
      { severity: 'error', code, path },
    ]);
    expect(problems[0].message.length).toBeGreaterThan(10);
    expect(formatProblems(problems)).not.toMatch(/\n\s+at |undefined|\[object|\s(?:[A-Z]\w*)?Error:/);
  });
});
