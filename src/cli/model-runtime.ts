/** Whether the library that models run in is there, for pipelines that need it: npm leaves it out where its script fails. */
import type { Pipeline } from '../define/index.ts';
import type { Problem } from '../plan/types.ts';

const RUNS_MODELS = /^(encode|rerank)\./;

/** A warning for each step that could not run for want of the library; none where it is installed. */
export async function withoutModelRuntime({ name, steps }: Pipeline): Promise<Problem[]> {
  if (!Array.isArray(steps)) return [];
  const using = steps.flatMap((step, i) => (RUNS_MODELS.test(String(step?.op)) ? [{ id: step.id, i }] : []));
  if (using.length === 0) return [];
  const { runtimeFolder } = await import('../models/runtime.ts');
  try {
    runtimeFolder();
    return [];
  } catch (error) {
    const { message, help } = error as Error & { help?: string };
    return using.map(({ id, i }) => ({
      severity: 'warning',
      pipeline: name,
      where: `steps[${i}] "${id}"`,
      path: ['steps', i],
      code: 'no-model-runtime',
      message,
      help,
    }));
  }
}
