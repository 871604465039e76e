/** A run lists a source once, whether or not there is something to do. */
import { expect, it } from 'vitest';
import type { AnyStep } from '../../src/define/index.ts';
import { sources } from './fixtures/operators.ts';
import { inFolder, run, save } from './shapes.ts';

const steps = [
  { id: 'src', op: 'inc.parts', with: { path: 'rows.json' } },
  { id: 't', op: 'inc.table', with: { path: 't' } },
] as unknown as AnyStep[];
const rows = (text: string) => ({ a: [{ id: 'x', n: 1, text }], b: [{ id: 'y', n: 2, text: 'b' }] });

it('a source is opened once, and closed, by runs that find changes and by those that find none', () =>
  inFolder(async root => {
    const ran = async (): Promise<[string, number, number]> => {
      Object.assign(sources, { opened: 0, closed: 0 });
      const { mode } = await run(root, steps);
      return [mode, sources.opened, sources.closed];
    };
    save(root, rows('a'));
    expect(await ran()).toEqual(['full', 1, 1]);
    expect(await ran()).toEqual(['nothing', 1, 1]);
    save(root, rows('changed'));
    expect(await ran()).toEqual(['changes', 1, 1]);
  }));
