/** Steps that become others under the same id, or take the place of steps of a run that failed. */
import { expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import type { Parts } from './fixtures/operators.ts';
import { contents, expected, inFolder, MEMORY, run, save, tryRun } from './shapes.ts';

const src: AnyStep = { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } };
const plus = (id: string): AnyStep => ({ id, op: 'inc.plus', with: { add: 1 } });
const unique = (id: string, from: string): AnyStep => ({
  id,
  op: 'dedupe.exact',
  with: { columns: ['text'] },
  from,
});
const table = (from: string, id = 't', path = 't'): AnyStep => ({
  id,
  op: 'inc.table',
  with: { path },
  from,
});
const some = (): Parts => ({
  p: ['a', 'b', 'c', 'a'].map((text, i) => ({ id: `d${i + 1}`, n: i, text })),
});

it('a map that becomes a stream, and a map again, gives what a full run gives', () =>
  inFolder(async root => {
    const parts = some();
    const shapes: AnyStep[][] = [
      [src, plus('x'), table('x')],
      [src, unique('x', 'src'), table('x')],
      [src, plus('x'), table('x')],
      // a step further on: what the sink's rows come from one by one is another though its input is not
      [src, unique('u', 'src'), plus('x'), table('x')],
      [src, plus('x'), table('x')],
      [src, unique('x', 'src'), table('x')],
    ];
    for (const [i, steps] of shapes.entries()) {
      parts.p.reverse();
      parts.p.unshift({ id: `e${i}`, n: i, text: `t${i}` });
      save(root, parts);
      await run(root, steps);
      expect(contents(root)).toEqual(await expected(parts, steps));
      parts.p[0].text = 'b';
      parts.p.splice(2, 1);
      save(root, parts);
      await run(root, steps);
      expect(contents(root)).toEqual(await expected(parts, steps));
    }
  }));

it.each([
  ['1 GiB', '1 GiB'],
  ['1 GiB', '64 MiB'],
  ['64 MiB', '1 GiB'],
])('what a failed first run left is nobody else’s (%s, then %s)', (first, then) =>
  inFolder(async root => {
    const parts = some();
    save(root, parts);
    MEMORY.of = first;
    const a = [src, table('src')];
    const at = (found: unknown): unknown => (found as Record<string, unknown>).t;
    await run(root, a);
    const fails: AnyStep[] = [
      { ...src, id: 'src2' },
      unique('q', 'src2'),
      { id: 'terms', op: 'inc.terms', from: 'q' },
      { ...table('terms', 'u', 'u'), onError: 'fail' },
    ];
    parts.p.push({ id: 'd9', n: 9, text: 'a b' });
    save(root, parts);
    expect((await tryRun(root, [...a, ...fails])).result.error?.message).toContain('give the same key');
    MEMORY.of = then;
    parts.p.reverse();
    save(root, parts);
    await run(root, [src, plus('x'), plus('y'), table('y', 'w', 'u')]);
    parts.p.unshift({ id: 'd0', n: 0, text: 'z' });
    save(root, parts);
    const steps = [src, plus('x'), unique('y', 'x'), table('y', 'v')];
    await run(root, steps);
    expect(at(contents(root))).toEqual(at(await expected(parts, steps)));
    parts.p[0].text = 'c';
    save(root, parts);
    await run(root, steps);
    expect(at(contents(root))).toEqual(at(await expected(parts, steps)));
    MEMORY.of = '64 MiB';
  }),
);
