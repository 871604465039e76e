/** Indexes passages through a pipeline on one thread. */
import { planOf, runPlan } from '../lib/plan.ts';

export interface IndexRun {
  readonly seconds: number;
  /** Seconds that each step worked. */
  readonly read: number;
  readonly index: number;
  readonly passages: number;
  readonly size: string;
  readonly cpu: number;
}

export async function indexRun(input: string, root: string): Promise<IndexRun> {
  const plan = await planOf(
    {
      name: 'bench-index',
      memory: '1 GiB',
      steps: [
        { id: 'read', op: 'read.jsonl', with: { path: input } },
        { id: 'index', op: 'index.sparse', with: { path: 'index', analyzer: 'english' } },
      ],
    },
    root,
  );
  const { seconds, steps } = (await runPlan(plan)).result;
  const [read, index] = steps;
  const { user, system } = process.cpuUsage();
  return {
    seconds,
    read: read.busySeconds,
    index: index.busySeconds,
    passages: index.rowsIn,
    size: String(index.summary?.size ?? ''),
    cpu: (user + system) / 1e6,
  };
}
