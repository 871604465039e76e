/** Which kind of index a folder holds, by what its own files say. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CURRENT } from './generations.ts';

const KINDS = { 'millrace-sparse': 'sparse', 'millrace-dense': 'dense', 'millrace-late': 'late' } as const;

export type IndexKind = (typeof KINDS)[keyof typeof KINDS];

/** Undefined where there is no index, or one that cannot be read: opening it says what is wrong. */
export function indexKind(dir: string): IndexKind | undefined {
  try {
    const { format } = JSON.parse(fs.readFileSync(join(dir, CURRENT), 'utf8')) as { format?: string };
    return KINDS[format as keyof typeof KINDS];
  } catch {
    return undefined;
  }
}
