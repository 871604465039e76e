/** One run of a pipeline over the folder in argv, for the crash test to kill. Also the registry it names. */
import { fileURLToPath } from 'node:url';
import { operators } from '../../operators/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';

export { operators };

const [, script, root, shape, words] = process.argv;
// no await at the top: the run imports this file as its registry
async function main(): Promise<void> {
  const unique = { id: 'unique', op: 'dedupe.exact', with: {} };
  const steps = [
    { id: 'docs', op: 'read.jsonl', with: { path: 'docs' } },
    ...(shape === 'unique' ? [unique] : []),
    { id: 'split', op: 'split.passages', with: { words: Number(words) } },
    { id: 'index', op: 'index.sparse', with: { path: 'index', analyzer: 'whitespace' } },
  ];
  const { plan, problems } = await check(
    { name: 'crash', memory: '256 MiB', steps },
    { operators, root, mode: 'run' },
  );
  if (!plan) throw new Error(JSON.stringify(problems));
  const options = { registryUrl: import.meta.url, commitEvery: { rows: 150 } };
  const result = await startRun(plan, options).result;
  process.stdout.write(JSON.stringify({ status: result.status, error: result.error }));
  process.exitCode = result.status === 'ok' ? 0 : 1;
}
if (script === fileURLToPath(import.meta.url)) void main();
