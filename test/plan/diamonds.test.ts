import { describe, expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { operators } from './operators.ts';

const diamond = (between: AnyStep[], more: Partial<{ memory: string; other: Partial<AnyStep> }> = {}) => ({
  name: 'diamond',
  memory: more.memory ?? '256 MiB',
  steps: [
    { id: 'questions', op: 'read.squad', with: { path: 'q' } },
    { id: 'a', op: 'search.sparse', with: { index: 'i' }, ...more.other },
    ...between,
    { id: 'b', op: 'search.sparse', from: between.at(-1)?.id ?? 'questions', with: { index: 'j' } },
    { id: 'hits', op: 'merge.hits', from: ['a', 'b'] },
    { id: 'out', op: 'write.jsonl', with: { path: 'o' } },
  ],
});
const codes = async (definition: unknown) =>
  (await check(definition, { operators, root: '/nowhere' })).problems.map(p => [p.code, p.path[1]]);

describe('rows that part and meet again', () => {
  it('are fine where no branch holds back', async () => {
    expect(await codes(diamond([]))).toEqual([]);
  });

  it('are refused where a branch holds rows until all have come', async () => {
    const hold = {
      id: 'hold',
      op: 'dedupe.exact',
      from: 'questions',
      with: { column: 'question', wait: true },
    };
    expect(await codes(diamond([hold]))).toEqual([['deadlock', 2]]);
    const flowing = { ...hold, with: { column: 'question' } };
    expect(await codes(diamond([flowing]))).toEqual([]);
  });

  it('are fine where the holding step lies above the fork', async () => {
    const p = diamond([]);
    const hold = { id: 'hold', op: 'dedupe.exact', with: { column: 'question', wait: true } };
    const steps = p.steps.map(s => (s.id === 'b' ? { ...s, from: 'hold' } : s));
    expect(await codes({ ...p, steps: [steps[0], hold, ...steps.slice(1)] })).toEqual([]);
  });

  it('are fine where the branches come from sources of their own', async () => {
    const p = diamond([
      { id: 'again', op: 'read.squad', with: { path: 'q' } },
      { id: 'hold', op: 'dedupe.exact', with: { column: 'question', wait: true } },
    ]);
    expect(await codes(p)).toEqual([]);
  });

  it('are refused where batches held are more than the other channels hold', async () => {
    const hold = (batches: number) => ({ id: 'hold', op: 'rx.buffer', from: 'questions', with: { batches } });
    expect(await codes(diamond([hold(1)]))).toEqual([]);
    expect(await codes(diamond([hold(500)]))).toEqual([['deadlock', 2]]);
    // The same in a tighter run: what fits into wide channels does not fit into narrow ones.
    expect(await codes(diamond([hold(20)]))).toEqual([]);
    expect(await codes(diamond([hold(20)], { memory: '16 MiB' }))).toEqual([['deadlock', 2]]);
  });

  it('are refused where a batch gathers more than the other channels hold', async () => {
    const gather = (bytes: string) => ({ other: { batch: { bytes } } });
    expect(await codes(diamond([], gather('1 MiB')))).toEqual([]);
    expect(await codes(diamond([], gather('200 MiB')))).toEqual([['deadlock', 1]]);
  });

  it('say which way has too little room', async () => {
    const hold = {
      id: 'hold',
      op: 'dedupe.exact',
      from: 'questions',
      with: { column: 'question', wait: true },
    };
    const { problems } = await check(diamond([hold]), { operators, root: '/nowhere' });
    expect(problems[0].message).toMatch(
      /^"hold" \(dedupe\.exact\) holds rows back until all have come, but the other way from "questions" to "hits" \("questions" → "a" → "hits"\) has room for \d/,
    );
    expect(problems[0].help).toContain('put it above "questions"');
  });
});
