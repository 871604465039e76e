/** Where state lies under a root: a folder a pipeline, and beside them, behind a dot, what they share. */
import { join } from 'node:path';

/** The folder of all state under a root. */
export const stateRootOf = (root: string): string => join(root, '.millrace');

const hex = (text: string): string =>
  [...Buffer.from(text)].map(b => `%${b.toString(16).toUpperCase().padStart(2, '0')}`).join('');

// reversible, or two pipelines would share a folder; a leading dot is what is no pipeline's
const folderName = (pipeline: string): string => pipeline.replace(/^\.|[^\p{L}\p{N}._-]/gu, hex);

/** The folder of a pipeline's state: letters, digits and `._-` of its name as they are, the rest as `%20`. */
export const stateFolderOf = (root: string, pipeline: string): string =>
  join(stateRootOf(root), folderName(pipeline));

/** The pipeline whose state a folder holds, by the folder's name; undefined for one that is not a pipeline's. */
export function pipelineOfFolder(name: string): string | undefined {
  if (name.startsWith('.')) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The folder of the cache, shared by the pipelines of a root. */
export const cacheFolderOf = (root: string): string => join(stateRootOf(root), '.cache');

/** Where a run on a sample of a pipeline's rows writes. */
export const sampleFolderOf = (root: string, pipeline: string): string =>
  join(stateRootOf(root), '.sample', folderName(pipeline));
