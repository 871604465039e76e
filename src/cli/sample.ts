/** A run on the first rows of each source: it must not publish them over the whole. */
import { join, relative } from 'node:path';
import type { Plan } from '../plan/types.ts';
import type { Io } from './command.ts';
import type { Loaded, Selection } from './prepare.ts';
import type { PlanRunOptions } from './run-plan.ts';

/** Where a run with `--limit` writes; undefined for one without. */
export async function sampleFolder(loaded: Loaded, { root, limit }: Selection): Promise<string | undefined> {
  const name: unknown = loaded.definition?.name;
  if (limit === undefined) return undefined;
  const { sampleFolderOf } = await import('../state/folders.ts');
  return sampleFolderOf(root, typeof name === 'string' ? name : '');
}

/** The state of a sample lies with what it writes: the pipeline's own is not touched. */
export const sampleState = (folder: string | undefined): Pick<PlanRunOptions, 'stateFolder' | 'sample'> =>
  folder === undefined ? {} : { stateFolder: join(folder, '.millrace'), sample: true };

/** Says before the run where a sample goes. */
export function tellSample(plan: Plan, folder: string | undefined, io: Io): void {
  if (folder === undefined || !plan.flows.some(f => f.steps.some(s => s.op.shape === 'sink'))) return;
  const shown = relative(process.cwd(), folder);
  const at = shown.startsWith('..') ? folder : shown;
  io.err(`--limit: a sample, written under ${at}; indexes and files of whole runs stay as they are`);
}

/** Where plots go: beside the rest of a sample, unless `--out` says otherwise. */
export const plotFolder = ({ out }: { readonly out?: string }, folder: string | undefined): string =>
  out ?? (folder === undefined ? 'out' : join(folder, 'out'));
