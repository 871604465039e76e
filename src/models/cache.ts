/** Where models are kept on this machine: this library's cache, and what other tools left in theirs. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './http.ts';

/** The file that says what is in a cached model's folder. */
export const MANIFEST = 'millrace-model.json';

export interface CachedFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface CachedModel {
  readonly repo: string;
  /** What was asked for: a branch, a tag or a commit. */
  readonly revision: string;
  /** What it was then. */
  readonly commit: string;
  /** ONNX file that was chosen. */
  readonly onnx?: string;
  readonly files: readonly CachedFile[];
}

/** MILLRACE_CACHE, else the place for caches of the system. */
export function cacheFolder(env: Environment = process.env, platform: string = process.platform): string {
  if (env.MILLRACE_CACHE) return env.MILLRACE_CACHE;
  const home = env.HOME || env.USERPROFILE || homedir();
  if (platform === 'win32')
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'millrace', 'cache');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'millrace');
  return join(env.XDG_CACHE_HOME || join(home, '.cache'), 'millrace');
}

/** The hub client's own cache: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
export function hubCacheFolder(env: Environment = process.env): string {
  if (env.HF_HUB_CACHE) return env.HF_HUB_CACHE;
  const home = env.HOME || env.USERPROFILE || homedir();
  const base = env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface');
  return join(base, 'hub');
}

const flat = (repo: string): string => repo.replace('/', '--');

export const modelRoot = (cache: string, repo: string): string => join(cache, 'models', flat(repo));

/** A branch's name as a file name. */
export const refFile = (root: string, revision: string): string =>
  join(root, 'refs', revision.replace(/[^\w.-]/g, '_'));

export function readManifest(folder: string): CachedModel | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as CachedModel;
  } catch {
    return undefined;
  }
}

const COMMIT = /^[0-9a-f]{40}$/;

/** The commit that a file of a branch's name holds; '' where there is none. */
function commitIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The folder of a model in this library's cache; undefined where it was never fetched. */
export function findCached(
  cache: string,
  repo: string,
  revision: string,
): { folder: string; model: CachedModel } | undefined {
  const root = modelRoot(cache, repo);
  const commit = COMMIT.test(revision) ? revision : commitIn(refFile(root, revision));
  if (commit === '') return undefined;
  const folder = join(root, commit);
  const model = readManifest(folder);
  return model && { folder, model };
}

/** The folder of a snapshot that the hub's own client left; undefined where there is none with a tokenizer. */
export function findInHubCache(hub: string, repo: string, revision: string): string | undefined {
  const root = join(hub, `models--${flat(repo)}`);
  const commit = COMMIT.test(revision) ? revision : commitIn(join(root, 'refs', revision));
  if (commit === '') return undefined;
  const folder = join(root, 'snapshots', commit);
  return existsSync(join(folder, 'tokenizer.json')) ? folder : undefined;
}

/** Models in this library's cache, by name. */
export async function listCached(cache: string): Promise<{ folder: string; model: CachedModel }[]> {
  const root = join(cache, 'models');
  const found: { folder: string; model: CachedModel }[] = [];
  for (const repo of (await readdir(root).catch(() => [])).sort()) {
    for (const commit of (await readdir(join(root, repo)).catch(() => [])).sort()) {
      const folder = join(root, repo, commit);
      const model = readManifest(folder);
      if (model) found.push({ folder, model });
    }
  }
  return found;
}

/** Snapshots of the hub client's cache that hold an ONNX file and a tokenizer. */
export async function listHubCache(hub: string): Promise<{ repo: string; commit: string; folder: string }[]> {
  const found: { repo: string; commit: string; folder: string }[] = [];
  for (const name of (await readdir(hub).catch(() => [])).sort()) {
    if (!name.startsWith('models--')) continue;
    const snapshots = join(hub, name, 'snapshots');
    for (const commit of (await readdir(snapshots).catch(() => [])).sort()) {
      const folder = join(snapshots, commit);
      const files = [
        ...(await readdir(folder).catch(() => [])),
        ...(await readdir(join(folder, 'onnx')).catch(() => [])),
      ];
      if (!files.includes('tokenizer.json') || !files.some(file => file.endsWith('.onnx'))) continue;
      found.push({ repo: name.slice('models--'.length).replace('--', '/'), commit, folder });
    }
  }
  return found;
}
