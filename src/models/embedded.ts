/** Models that ship with the package, under its `models` folder. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelError } from './errors.ts';

/** The package's `models` folder: beside the sources in a checkout, one level up from them in the compiled package. */
export function embeddedRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 6; up++, folder = dirname(folder)) {
    const candidate = join(folder, 'models');
    if (existsSync(join(candidate, 'default', 'model.onnx'))) return candidate;
  }
  throw new ModelError('the embedded models are not in this installation', {
    help: 'install the package again',
  });
}

/** Names of the embedded models; `default` is one. */
export function embeddedNames(): string[] {
  const root = embeddedRoot();
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(root, entry.name, 'tokenizer.json')))
    .map(entry => entry.name)
    .sort();
}

export const embeddedFolder = (name: string): string => join(embeddedRoot(), name);
