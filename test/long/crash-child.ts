/** One run of a pipeline over the folder in argv, for the crash test to kill. Also the registry it names. */
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { operators as registered } from '../../operators/index.ts';
import { utf8, utf8View } from '../../src/arrow/index.ts';
import { type AnyStep, operator } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { embed, joinTexts, tokens } from '../incremental/fixtures/vectors.ts';

/** Lets rows through, and counts them in a file that outlives a kill. */
const counted = operator({
  name: 'crash.counted',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Counts rows in a file.',
  params: z.strictObject({ path: z.string().describe('the file').meta({ location: 'read' }) }),
  reads: () => ({}),
  writes: () => ({}),
  examples: [],
  open: p => ({
    process: batch => {
      appendFileSync(p.path, '.'.repeat(batch.numRows));
      return { columns: {} };
    },
  }),
});

const picky = operator({
  name: 'crash.picky',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Refuses texts with a word.',
  params: z.strictObject({}),
  reads: () => ({ text: utf8() }),
  writes: () => ({}),
  examples: [],
  open: () => ({
    process: batch => {
      const text = utf8View(batch, 'text');
      for (let r = 0; r < batch.numRows; r++)
        if (text.get(r).includes('w13')) throw new Error('a text that is refused');
      return { columns: {} };
    },
  }),
});
export const operators = [...registered, counted, picky, embed, tokens, joinTexts] as const;

const [, script, root, shape, words, memory] = process.argv;
const file = join(root ?? '', 'worked');

function stepsOf(): AnyStep[] {
  const docs = { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } };
  const split = { id: 'split', op: 'split.passages', with: { words: Number(words) } };
  const index = { id: 'index', op: 'index.sparse', with: { path: 'index', analyzer: 'whitespace' } };
  switch (shape) {
    case 'unique':
      return [docs, { id: 'unique', op: 'dedupe.exact', with: {} }, split, index];
    case 'near':
      return [docs, { id: 'near', op: 'dedupe.near', with: { threshold: 0.4, words: 1 } }, split, index];
    case 'titles':
      return [docs, { id: 'titles', op: 'merge.titles', with: { separator: ' ' } }, split, index];
    case 'letters':
      return [docs, split, { id: 'picky', op: 'crash.picky', onError: 'dead-letter' }, index];
    case 'join':
      return [
        docs,
        { ...docs, id: 'more' },
        { id: 'join', op: 'inc.join-texts', from: ['docs', 'more'], with: { on: 'doc_id' } },
        index,
      ];
    case 'dense':
      return [
        docs,
        split,
        { id: 'embed', op: 'inc.embed' },
        { id: 'index', op: 'index.dense', with: { path: 'index' } },
      ];
    case 'late':
      return [
        docs,
        split,
        { id: 'tokens', op: 'inc.tokens' },
        { id: 'index', op: 'index.late', with: { path: 'index' } },
      ];
    case 'whole':
      return [
        docs,
        split,
        { id: 'lines', op: 'write.jsonl', with: { path: 'out.jsonl' } },
        { id: 'table', op: 'write.csv', from: 'split', with: { path: 'out.csv' } },
      ];
    default:
      return [docs, { id: 'counted', op: 'crash.counted', with: { path: file } }, split, index];
  }
}

// no await at the top: the run imports this file as its registry
async function main(): Promise<void> {
  const definition = { name: 'crash', memory, steps: stepsOf() };
  const { plan, problems } = await check(definition, { operators, root, mode: 'run' });
  if (!plan) throw new Error(JSON.stringify(problems));
  // a commit on the way ends what goes ahead
  const commitEvery = memory === '1 GiB' ? undefined : { rows: 150 };
  const handle = startRun(plan, { registryUrl: import.meta.url, commitEvery });
  // what is committed by now need not be done again
  handle.events.subscribe(e => {
    if (e.type === 'commit' && shape === 'plain')
      writeFileSync(`${file}.committed`, String(statSync(file, { throwIfNoEntry: false })?.size ?? 0));
  });
  const result = await handle.result;
  process.stdout.write(JSON.stringify({ status: result.status, error: result.error }));
  process.exitCode = result.status === 'ok' ? 0 : 1;
}
if (script === fileURLToPath(import.meta.url)) void main();
