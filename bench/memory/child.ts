/** The pipeline whose memory is measured, and what its process says about itself. */
import { planOf, runPlan } from '../lib/plan.ts';

export interface ChildResult {
  readonly seconds: number;
  /** Bytes of resident memory: before the run, and the system's high-water mark after it. */
  readonly baseBytes: number;
  readonly peakBytes: number;
  readonly documents: number;
  readonly passages: number;
}

export async function runChild(input: string, root: string, memory: string): Promise<ChildResult> {
  const plan = await planOf(
    {
      name: 'bench-memory',
      memory,
      steps: [
        { id: 'read', op: 'read.jsonl', with: { path: input } },
        { id: 'split', op: 'split.passages' },
        { id: 'write', op: 'write.jsonl', with: { path: 'out/passages.jsonl' } },
      ],
    },
    root,
  );
  const baseBytes = process.memoryUsage.rss();
  const { seconds, steps } = (await runPlan(plan)).result;
  return {
    seconds,
    baseBytes,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    documents: steps[0].rowsOut,
    passages: steps[1].rowsOut,
  };
}
