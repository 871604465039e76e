/** What a stream that works from changes has given in the end must be what it gives of the rows that are left. */
import type { RecordBatch } from 'apache-arrow';
import { concatBatches, rowsOf, takeRows } from '../arrow/index.ts';
import { asEngine, type Change } from '../define/index.ts';
import { memoryState, openContext, planContext, TestFolder } from './context.ts';
import { drive } from './drive.ts';
import { keysOf, mixed, numbersBelow } from './edits.ts';
import { exampleInputs, repeated } from './generic.ts';
import { onExamples, type Rule } from './rule.ts';
import { parseParams, planStep } from './step.ts';

const RUNS = 40;

export const changesGiveAll: Rule = {
  name: 'changes give in the end what all rows give',
  check: tested => {
    const op = asEngine(tested.op);
    if (op.shape !== 'stream' || !op.changes) return [];
    return onExamples(tested, async example => {
      const params = parseParams(tested.op, example.with);
      if (typeof op.changes === 'function' && !op.changes(params)) return [];
      const all = repeated(exampleInputs(example)[0], 3);
      const columns = Object.fromEntries(
        all.schema.fields.map(f => [f.name, { type: f.type, nullable: f.nullable }]),
      );
      const folder = await TestFolder.make();
      try {
        const step = await planStep(op, params, [columns], planContext(folder));
        const [key] = step.inputKeys;
        const open = { inputs: [columns], keys: step.inputKeys, warnings: [] };
        const fresh = async (rows: readonly RecordBatch[]): Promise<string> => {
          const fed = { inputs: [rows.length ? rows : [all.slice(0, 0)]] };
          const { batches, result } = await drive(step, openContext(folder, open), fed);
          return sorted(result ?? batches.flatMap(rowsOf));
        };
        const pick = numbersBelow(7);
        let state = memoryState();
        const live = new Map<number, RecordBatch>();
        let given = new Map<string, Record<string, unknown>>();
        for (let run = 0; run < RUNS; run++) {
          const changed = new Map<number, RecordBatch | undefined>();
          for (let n = 0; n <= pick(4); n++) {
            const row = pick(all.numRows);
            const kind = pick(3);
            if (kind === 0 && !live.has(row)) continue;
            changed.set(
              row,
              kind === 0 ? undefined : mixed(all, row, kind === 1 ? row : pick(all.numRows), key),
            );
          }
          const gone = [...changed.keys()].filter(row => changed.get(row) === undefined && live.has(row));
          for (const [row, batch] of changed) {
            if (batch) live.set(row, batch);
            else live.delete(row);
          }
          const upserts = [...changed.values()].flatMap(b => b ?? []);
          const change: Change = {
            upserts: upserts.length ? concatBatches(upserts) : undefined,
            deletes: gone.length ? keysOf(takeRows(all, Int32Array.from(gone)), key) : undefined,
          };
          const stream = await op.open(params, openContext(folder, { ...open, state }));
          const out: Change[] = [];
          for await (const c of await stream.process(change, 0)) out.push(c);
          if (stream.end) for await (const c of await stream.end()) out.push(c);
          const anew = stream.needsAllRows?.() ?? false;
          await stream.close?.();
          if (anew) {
            state = memoryState();
            given = new Map();
            const again = await op.open(params, openContext(folder, { ...open, state }));
            out.length = 0;
            for (const row of live.values())
              for await (const c of await again.process({ upserts: row }, 0)) out.push(c);
            if (again.end) for await (const c of await again.end()) out.push(c);
            await again.close?.();
          }
          const name = (row: Record<string, unknown>): string => JSON.stringify(step.key.map(k => row[k]));
          for (const c of out) {
            for (const row of c.deletes ? rowsOf(c.deletes) : [])
              if (!given.delete(name(row))) return [`deletes ${name(row)}, which it has not given`];
            for (const row of c.upserts ? rowsOf(c.upserts) : []) given.set(name(row), row);
          }
          const wanted = await fresh([...live.values()]);
          if (sorted([...given.values()]) !== wanted)
            return [`after ${run + 1} changes has given ${sorted([...given.values()])}, wanted ${wanted}`];
        }
        return [];
      } finally {
        await folder.remove();
      }
    });
  },
};

const sorted = (rows: readonly Record<string, unknown>[]): string =>
  `[${rows
    .map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)))
    .sort()
    .join(',')}]`;
