import { z } from 'zod';
import { operator, UserError } from '../../src/define/index.ts';
import { anyColumns } from './any-column.ts';

interface Selection {
  keep?: string[] | undefined;
  drop: string[];
  rename: Record<string, string>;
}

/** Input column → output column, in the order they come out. */
function selected(p: Selection, names: readonly string[]): Record<string, string> {
  const kept = p.keep ?? names.filter(name => !p.drop.includes(name));
  return Object.fromEntries(kept.map(name => [name, Object.hasOwn(p.rename, name) ? p.rename[name] : name]));
}

export const select = operator({
  name: 'select',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Keeps, drops and renames columns.',
  description: `With \`keep\` only the named columns go on, in that order; with \`drop\` all others do. \`rename\` gives columns
that go on another name. \`keep\` and \`drop\` take the names that columns have before. Columns that name a row (its
key) cannot be left out, but they can be renamed. No values are copied.`,
  params: z.strictObject({
    keep: z.array(z.string()).min(1).optional().describe('columns that go on, in this order; default: all'),
    drop: z.array(z.string()).default([]).describe('columns that do not go on'),
    rename: z.record(z.string(), z.string().min(1)).default({}).describe('new names: { old: new }'),
  }),
  check: p => {
    const problems: string[] = [];
    if (p.keep && p.drop.length > 0) problems.push('with.drop: give keep or drop, not both');
    for (const name of Object.keys(p.rename)) {
      if ((p.keep && !p.keep.includes(name)) || p.drop.includes(name))
        problems.push(`with.rename: column "${name}" does not go on, so it cannot be renamed`);
    }
    const twice = (names: readonly string[]): string | undefined =>
      names.find((name, i) => names.indexOf(name) < i);
    const kept = p.keep && twice(p.keep);
    if (kept !== undefined) problems.push(`with.keep: names column "${kept}" twice`);
    const given = twice(
      Object.values(selected(p, [...new Set([...(p.keep ?? []), ...Object.keys(p.rename)])])),
    );
    if (given !== undefined && kept === undefined)
      problems.push(`with.rename: two columns would be called "${given}"`);
    return problems;
  },
  reads: p => anyColumns([...new Set([...(p.keep ?? []), ...p.drop, ...Object.keys(p.rename)])]),
  writes: () => ({}),
  passes: (p, input) => {
    const passes = selected(p, Object.keys(input));
    const names = Object.values(passes);
    const clash = names.find((name, i) => names.indexOf(name) < i);
    if (clash !== undefined) throw new UserError(`with.rename: two columns would be called "${clash}"`);
    return passes;
  },
  key: (p, inputKey) => {
    const passes = selected(p, inputKey);
    const gone = inputKey.find(name => !Object.hasOwn(passes, name) || (p.keep && !p.keep.includes(name)));
    if (gone !== undefined)
      throw new UserError(`with.${p.keep ? 'keep' : 'drop'}: leaves out "${gone}", which names the rows`, {
        help: p.keep ? `add "${gone}" to keep` : `take "${gone}" out of drop`,
      });
    return inputKey.map(name => passes[name]);
  },
  examples: [
    {
      title: 'Two columns, one under another name',
      with: { keep: ['doc_id', 'body'], rename: { body: 'text' } },
      in: [{ doc_id: 'a', body: 'one two', year: 1999 }],
      out: [{ doc_id: 'a', text: 'one two' }],
    },
    {
      title: 'All but one',
      with: { drop: ['year'] },
      in: [{ doc_id: 'a', body: 'one two', year: 1999 }],
      out: [{ doc_id: 'a', body: 'one two' }],
    },
  ],
  open: () => ({ process: () => ({ columns: {} }) }),
});
