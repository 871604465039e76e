/**
 * The files and folders that steps name: what a step reads besides its rows counts as part of what it is, and what a
 * sink wrote must still be there for a run to leave it as it is.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { PlanContext } from '../../define/index.ts';
import { hashAsset, rowFingerprint } from '../../plan/fingerprint.ts';
import { markedValues } from '../../plan/schema.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';

/** The paths that a step's parameters name. */
export function placesOf(step: PlannedStep, location: 'read' | 'write', ctx: PlanContext): string[] {
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

/** A step as it stands now. */
export interface Live {
  /** The row fingerprint with the content of the files and indexes that it reads besides its rows. */
  readonly fingerprint: string;
  /** Hashes of these by path, as it is shown. */
  readonly reads: Readonly<Record<string, string>>;
}

/**
 * What a step is now: an index that an earlier flow has built since the plan was made counts as it stands.
 */
export async function liveStep(step: PlannedStep, ctx: PlanContext): Promise<Live> {
  const { op, params } = step;
  // a source's files are held against the ledger row by row
  const read = op.shape === 'source' ? [] : placesOf(step, 'read', ctx);
  const assets = (op.assets?.(params, ctx) ?? []).map(a => ctx.path(a));
  if (read.length === 0 && assets.length === 0) return { fingerprint: step.rowFingerprint, reads: {} };
  const hashes = await Promise.all([...assets.map(hashAsset), ...read.map(contentOf)]);
  const shown = (path: string): string => {
    const short = relative(ctx.root, path);
    return short === '' || short.startsWith('..') ? path : short;
  };
  // a few bytes tell which of them is another
  const reads = [...assets, ...read].map((path, i) => [shown(path), shortHash(hashes[i])] as const);
  return { fingerprint: rowFingerprint(op, params, hashes), reads: Object.fromEntries(reads) };
}

const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 11);

/** What the sinks of a flow have written, by step, as it stands now. */
export async function outputSignatures(flow: Flow, ctx: PlanContext): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const step of flow.steps) {
    if (step.op.shape !== 'sink' || step.op.changes) continue;
    const parts = await Promise.all(placesOf(step, 'write', ctx).map(signatureOf));
    out[step.id] = parts.join('|');
  }
  return out;
}
