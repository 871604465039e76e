/**
 * `npm run test:long`: thousands of edit sequences and hundreds of kills, an hour and more. `MILLRACE_SEQUENCES` is the
 * number for each pipeline shape, `MILLRACE_KILLS` that of kills.
 */
import { spawnSync } from 'node:child_process';

const sequences = process.env.MILLRACE_SEQUENCES ?? '150';
const kills = process.env.MILLRACE_KILLS ?? '500';
function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    env: { ...process.env, MILLRACE_SEQUENCES: sequences },
  });
  if (status !== 0) process.exit(status ?? 1);
}
run(
  'node_modules/vitest/vitest.mjs',
  'run',
  'test/incremental/equals-full.test.ts',
  'test/incremental/interval.test.ts',
  'test/incremental/real-operators.test.ts',
);
run('--import', 'tsx', 'test/long/crash.ts', kills);
