import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DatasetContext, DatasetDescriptor, DatasetFile } from './descriptor.ts';

/** The folder that holds this package's package.json, from the sources as from the built package. */
export function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json in ${start} or above it`);
  }
}

/** Where data from outside the package is looked for: the context's folder, `MILLRACE_DATA`, `../shared/data`. */
export function dataFolder(ctx: DatasetContext): string {
  return resolve(ctx.dataFolder ?? process.env.MILLRACE_DATA ?? join(packageRoot(), '../shared/data'));
}

/** `undefined` where each file is in the folder, else a sentence that names the first missing one and the remedy. */
export async function missingFile(
  dataset: string,
  folder: string,
  files: readonly DatasetFile[],
  homepage: string,
): Promise<string | undefined> {
  for (const file of files) {
    const found = await stat(join(folder, file.path)).catch(() => undefined);
    if (found?.isFile()) continue;
    return (
      `dataset "${dataset}": ${join(folder, file.path)} is not there; set MILLRACE_DATA to the folder that ` +
      `holds ${file.path} (published at ${homepage})`
    );
  }
  return undefined;
}

/** Changes when a file of the dataset does: a hash of their names, sizes and times. 64 hex digits. */
export async function datasetSignature(dataset: DatasetDescriptor, ctx: DatasetContext): Promise<string> {
  const folder = dataset.locate(ctx);
  const paths = [...dataset.files.map(f => join(folder, f.path)), ...((await dataset.more?.()) ?? [])];
  const hash = createHash('sha256');
  for (const path of paths) {
    const info = await stat(path);
    hash.update(`${path}\n${info.size}\n${info.mtimeMs}\n`);
  }
  return hash.digest('hex');
}
