/** Names of models on the command line: a path starts from the root, a slip in an embedded name is told. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../define/near.ts';
import { UsageError } from './errors.ts';

/** A name as the library takes it. @throws UsageError where no folder is there, and an embedded model is near */
export async function modelName(name: string, root: string): Promise<string> {
  const { embeddedNames, parseReference } = await import('../models/index.ts');
  const reference = parseReference(name, embeddedNames());
  if (reference.kind !== 'folder') return name;
  const near = existsSync(resolve(root, reference.path)) ? undefined : nearest(name, embeddedNames());
  if (near !== undefined)
    throw new UsageError(`model "${name}": no folder is there`, { help: `did you mean "${near}"?` });
  return resolve(root, name);
}
