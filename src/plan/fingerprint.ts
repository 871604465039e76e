/**
 * What a step's result depends on besides its rows: name, version, parameters and the files it was told to use. Where
 * things lie and what is secret does not count, nor does how the step runs.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineOperator, ParamMark, Params } from '../define/index.ts';
import { canonicalJson } from './json.ts';
import { markedValues } from './schema.ts';
import type { DefinitionPath } from './types.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The parameters that count: without locations, secrets and hints. */
export const countedParams = (op: EngineOperator, params: Params): unknown =>
  without(op, params, mark => mark.location !== undefined || mark.secret === true || mark.hint === true);

/** The parameters as they may be shown and stored: secrets are left out, wherever they stand. */
export const openParams = (op: EngineOperator, params: Params): Params =>
  without(op, params, mark => mark.secret === true);

function without(op: EngineOperator, params: Params, leftOut: (mark: ParamMark) => boolean): Params {
  const out = structuredClone(params) as Record<string, unknown>;
  for (const { path, mark } of markedValues(op.params, params)) if (leftOut(mark)) remove(out, path);
  return out;
}

function remove(value: unknown, path: DefinitionPath): void {
  let at = value;
  for (const part of path.slice(0, -1)) at = (at as Record<string | number, unknown> | undefined)?.[part];
  const last = path.at(-1);
  if (typeof at !== 'object' || at === null || last === undefined) return;
  // In a list the place stays, so that what follows keeps its position.
  if (Array.isArray(at)) at[Number(last)] = null;
  else delete (at as Record<string, unknown>)[last];
}

/** `sha256(name, version, parameters that count, hashes of assets)` as hex: what a row's result depends on. */
export function rowFingerprint(op: EngineOperator, params: Params, assetHashes: readonly string[]): string {
  const { name, version } = op;
  return sha256(canonicalJson({ name, version, params: countedParams(op, params), assets: assetHashes }));
}

/** The row fingerprint with those of the inputs: what a whole step's result depends on. */
export const stepFingerprint = (row: string, inputs: readonly string[]): string =>
  sha256(canonicalJson({ row, inputs }));

/** Hashes of files by path, size and time of change, so that a model is read once a process. */
const hashed = new Map<string, string>();

/** sha256 of a file's bytes, or of the names and hashes of all files in a folder. @throws where it is not there */
export async function hashAsset(path: string): Promise<string> {
  const info = await stat(path);
  if (info.isDirectory()) {
    const names = (await readdir(path)).sort();
    const parts: string[] = [];
    for (const name of names) parts.push(`${name}:${await hashAsset(join(path, name))}`);
    return sha256(parts.join('\n'));
  }
  const key = `${path}\n${info.size}\n${info.mtimeMs}`;
  const known = hashed.get(key);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const digest = hash.digest('hex');
  hashed.set(key, digest);
  return digest;
}
