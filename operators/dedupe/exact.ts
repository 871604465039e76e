import { z } from 'zod';
import { HASH_BYTES, hashRows } from '../../src/arrow/index.ts';
import { type OpenContext, operator, type StepState, type StreamInstance } from '../../src/define/index.ts';
import { anyColumns } from '../shape/any-column.ts';
import { Documents, Kept, type Rule } from './kept.ts';
import { MinTree } from './min-tree.ts';

/** The documents of equal columns are a set; its smallest key stays. */
function equalColumns(columns: readonly string[], state: StepState): Rule {
  const tree = new MinTree(state);
  const at = (traits: Buffer): string => `g${traits.toString('latin1')}`;
  return {
    traits: batch => {
      const hashes = Buffer.from(hashRows(batch, columns).buffer);
      return row => Buffer.from(hashes.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES));
    },
    add: (id, key, traits) => {
      const before = tree.first(at(traits));
      tree.add(at(traits), { key, id });
      return before ? [before.id] : [];
    },
    remove: (id, _key, traits) => {
      tree.remove(at(traits), id);
      const next = tree.first(at(traits));
      return next ? [next.id] : [];
    },
    stays: (id, _key, traits) => tree.first(at(traits))?.id === id,
  };
}

/** A stream over what stays. */
export function keptStream(
  ctx: OpenContext,
  rule: (state: StepState, docs: Documents) => Rule,
): StreamInstance {
  if (!ctx.state) throw new Error(`step "${ctx.step}" was opened without a state`);
  const docs = new Documents(ctx.state);
  const kept = new Kept(ctx, ctx.state, docs, rule(ctx.state, docs));
  return {
    process: change => {
      const out = kept.process(change);
      return out.upserts || out.deletes ? [out] : [];
    },
    needsAllRows: () => kept.needsAllRows,
  };
}

export const dedupeExact = operator({
  name: 'dedupe.exact',
  version: 1,
  shape: 'stream',
  changes: true,
  summary: 'Keeps one of the documents whose text is the same.',
  description: `Of documents with equal values in \`columns\` the one with the smallest key stays (numbers as numbers, texts by code
units), wherever it stands, so the result does not depend on the order in which documents come. Values are compared as
they are: put \`clean.text\` in front to compare them without case or spaces.

Incremental: the step remembers a hash of each document, and the rows it has put aside. When the document that stayed
is deleted or changes, the next one comes in.`,
  params: z.strictObject({
    columns: z.array(z.string()).min(1).default(['text']).describe('columns that must be equal'),
  }),
  reads: p => anyColumns(p.columns),
  writes: () => ({}),
  examples: [
    {
      title: 'One text under two ids',
      with: {},
      in: [
        { doc_id: 'a', text: 'Seoul is a city.' },
        { doc_id: 'b', text: 'Busan is a port.' },
        { doc_id: 'c', text: 'Seoul is a city.' },
      ],
      out: [
        { doc_id: 'a', text: 'Seoul is a city.' },
        { doc_id: 'b', text: 'Busan is a port.' },
      ],
    },
  ],
  open: (p, ctx) => keptStream(ctx, state => equalColumns(p.columns, state)),
});
