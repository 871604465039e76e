import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { DatasetContext, DatasetDescriptor } from './descriptor.ts';

/** What `verifyDataset` found of one file. */
export interface FileCheck {
  /** Absolute path. */
  path: string;
  /** `unchecked`: the file is there and the descriptor gives neither its size nor its hash. */
  state: 'ok' | 'unchecked' | 'missing' | 'changed';
  /** For `missing` and `changed`: what was found and what was wanted. */
  problem?: string;
}

/** Compares every file of a dataset with the size and SHA-256 in its descriptor, reading each once as a stream. */
export async function verifyDataset(
  dataset: DatasetDescriptor,
  ctx: DatasetContext = {},
): Promise<FileCheck[]> {
  const folder = dataset.locate(ctx);
  const checks: FileCheck[] = [];
  for (const file of dataset.files) {
    const path = join(folder, file.path);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of createReadStream(path)) {
        hash.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
      }
    } catch (error) {
      checks.push({ path, state: 'missing', problem: (error as Error).message });
      continue;
    }
    const sha256 = hash.digest('hex');
    if (file.bytes !== undefined && file.bytes !== bytes) {
      checks.push({ path, state: 'changed', problem: `${bytes} bytes, wanted ${file.bytes}` });
    } else if (file.sha256 !== undefined && file.sha256 !== sha256) {
      checks.push({ path, state: 'changed', problem: `sha256 ${sha256}, wanted ${file.sha256}` });
    } else {
      checks.push({
        path,
        state: file.sha256 === undefined && file.bytes === undefined ? 'unchecked' : 'ok',
      });
    }
  }
  return checks;
}
