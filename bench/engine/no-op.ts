/** What a hop costs: small batches that are in memory already, through steps that do nothing. */
import { z } from 'zod';
import { batchFromRows, columnData, int32, utf8 } from '../../src/arrow/index.ts';
import { type AnyStep, operator } from '../../src/define/index.ts';
import { planOf, runPlan } from '../lib/plan.ts';

const ROWS = 8;
const COLUMNS = { doc_id: utf8(), value: int32() };
const batch = batchFromRows(
  COLUMNS,
  Array.from({ length: ROWS }, (_, i) => ({ doc_id: `d${i}`, value: i })),
);

const held = operator({
  name: 'bench.held',
  version: 1,
  shape: 'source',
  summary: 'Gives one small batch again and again.',
  params: z.strictObject({ batches: z.int().positive().describe('how often') }),
  columns: () => COLUMNS,
  key: () => ['doc_id'],
  examples: [],
  open: p => ({
    scan: async function* () {
      for (let i = 0; i < p.batches; i++) yield { batch, position: i };
    },
  }),
});

const noOp = operator({
  name: 'bench.nothing',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Gives each row as it is.',
  params: z.strictObject({}),
  reads: () => ({}),
  writes: () => ({}),
  examples: [],
  open: () => ({ process: () => ({ columns: {} }) }),
});

const marked = operator({
  name: 'bench.marked',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Writes one column and passes the others on.',
  params: z.strictObject({}),
  reads: () => ({}),
  writes: () => ({ value: int32() }),
  examples: [],
  open: () => ({ process: part => ({ columns: { value: columnData(part, 'value') } }) }),
});

const dropped = operator({
  name: 'bench.dropped',
  version: 1,
  shape: 'sink',
  summary: 'Drops what it gets.',
  params: z.strictObject({}),
  reads: () => ({}),
  examples: [],
  open: () => ({ write: () => undefined, prepare: () => ({ token: null }) }),
});

/** What the steps do: nothing at all, or put one column into a new batch. */
export type Cheap = 'nothing' | 'marked';

/** Milliseconds of a run of `batches` batches through `steps` steps. */
export async function noOpRun(root: string, batches: number, steps: number, what: Cheap): Promise<number> {
  const maps = Array.from({ length: steps }, (_, i): AnyStep => ({ id: `s${i}`, op: `bench.${what}` }));
  const plan = await planOf(
    {
      name: `${what}-${steps}`,
      operators: [held, noOp, marked, dropped],
      steps: [
        { id: 'source', op: 'bench.held', with: { batches } },
        ...maps,
        { id: 'sink', op: 'bench.dropped' },
      ],
    },
    root,
  );
  const started = performance.now();
  await runPlan(plan, false);
  return performance.now() - started;
}
