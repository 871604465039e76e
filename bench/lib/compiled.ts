/** The engine as users of the package have it: compiled, since a checkout's loader costs a run some of its time. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataFolder } from './folders.ts';

/** Compiles it. @returns the folder */
export function compile(): string {
  const out = join(dataFolder(), 'compiled');
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--no-check', '--out', out]);
  if (status !== 0) throw new Error(`the package does not compile: ${stdout}${stderr}`);
  return out;
}
