/** The folder of an index that a command names. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../define/errors.ts';
import { nearest } from '../define/near.ts';
import { indexKind } from '../retrieval/store/kind.ts';

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** @throws UserError where nothing is there, with the index beside it that may be meant */
export function indexFolder(root: string, shown: string): string {
  const folder = resolve(root, shown);
  const beside = namesIn(dirname(folder));
  if (beside.includes(basename(folder))) return folder;
  const indexes = beside.filter(name => indexKind(join(dirname(folder), name)));
  const near = nearest(basename(folder), indexes);
  const shownAs = (name: string): string => join(dirname(shown), name);
  throw new UserError(`${shown}: there is no index here; build one first`, {
    help:
      near !== undefined
        ? `did you mean ${shownAs(near)}?`
        : indexes.length > 0
          ? `there are ${indexes.slice(0, 5).map(shownAs).join(', ')}${indexes.length > 5 ? ', …' : ''}`
          : undefined,
  });
}
