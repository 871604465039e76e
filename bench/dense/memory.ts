/** Peak memory of a process that writes a large index of vectors. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dataFolder } from '../lib/folders.ts';
import type { MemoryResult } from './memory-child.ts';

const child = fileURLToPath(new URL('./memory-child.mjs', import.meta.url));

/** On disk, as files in memory would count for the machine and not for the process. */
export async function measureMemory(rows: number): Promise<MemoryResult> {
  const dir = await mkdtemp(join(dataFolder(), 'dense-'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [child, join(dir, 'index'), String(rows)]);
    return JSON.parse(stdout) as MemoryResult;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
