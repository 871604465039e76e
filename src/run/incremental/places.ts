/**
 * The files and folders that steps name: what a step reads besides its rows counts as part of what it is, and what a
 * sink wrote must still be there for a run to leave it as it is.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanContext } from '../../define/index.ts';
import { hashAsset, rowFingerprint } from '../../plan/fingerprint.ts';
import { markedValues } from '../../plan/schema.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';

function places(step: PlannedStep, location: 'read' | 'write', ctx: PlanContext): string[] {
  return markedValues(step.op.params, step.params).flatMap(({ value, mark }) =>
    mark.location === location
      ? [value].flat().flatMap(path => (typeof path === 'string' ? [ctx.path(path)] : []))
      : [],
  );
}

/** Size and time of a file; of a folder, those of its files; `-` for nothing. Cheap: nothing is read. */
export async function signatureOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return '-';
  if (!info.isDirectory()) return `${info.size}:${info.mtimeMs}`;
  const names = (await readdir(path)).sort();
  const parts = await Promise.all(names.map(async name => `${name}=${await signatureOf(join(path, name))}`));
  return parts.join(';');
}

// an index names what is live in one small file: its content says more than its time
async function contentOf(path: string): Promise<string> {
  const current = join(path, 'CURRENT');
  const info = await stat(current).catch(() => undefined);
  if (info?.isFile()) return hashAsset(current);
  const file = await stat(path).catch(() => undefined);
  return file?.isFile() ? hashAsset(path) : signatureOf(path);
}

/**
 * The row fingerprint with the content of the files and indexes that a step reads besides its rows, as they are now:
 * an index that an earlier flow has built since the plan was made counts as it stands.
 */
export async function liveFingerprint(step: PlannedStep, ctx: PlanContext): Promise<string> {
  const { op, params } = step;
  // a source's files are held against the ledger row by row
  const read = op.shape === 'source' ? [] : places(step, 'read', ctx);
  const assets = op.assets?.(params, ctx) ?? [];
  if (read.length === 0 && assets.length === 0) return step.rowFingerprint;
  const hashes = await Promise.all([...assets.map(a => hashAsset(ctx.path(a))), ...read.map(contentOf)]);
  return rowFingerprint(op, params, hashes);
}

/** What the sinks of a flow have written, by step, as it stands now. */
export async function outputSignatures(flow: Flow, ctx: PlanContext): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const step of flow.steps) {
    if (step.op.shape !== 'sink' || step.op.changes) continue;
    const parts = await Promise.all(places(step, 'write', ctx).map(signatureOf));
    out[step.id] = parts.join('|');
  }
  return out;
}
