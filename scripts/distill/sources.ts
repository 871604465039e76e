/** Where the default encoder's teacher and texts are found, and what they must be. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Teacher and dictionary, fetched by fetch.sh. */
export const sourcesFolder = join(root, 'bench', '.peers', 'models');
export const teacherFolder = join(sourcesFolder, 'all-MiniLM-L6-v2');
export const wordnetFolder = join(sourcesFolder, 'wn', 'package', 'dict');

/** Teacher vectors are kept here between runs. */
export const workFolder = join(root, 'bench', '.data', 'distill');
export const modelFolder = join(root, 'models', 'default');

export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** @throws Error where a source is another file than the one the model was made from */
export function checkSource(path: string, wanted: string): void {
  const found = sha256(readFileSync(path));
  if (found !== wanted)
    throw new Error(`${path}: sha256 is ${found}, wanted ${wanted}; run scripts/distill/fetch.sh`);
}
export const e5Folder = join(sourcesFolder, 'multilingual-e5-small');
export const koreanFolder = join(root, 'models', 'korean');
