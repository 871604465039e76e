/** Where models are kept on this machine: this library's cache, and what other tools left in theirs. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './http.ts';
import { isWhole, onnxFiles, tableFolderOf } from './parts.ts';

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
  /** The ONNX file of the model's plain name. Absent until that was asked for, and for a static model. */
  readonly onnx?: string;
  /** The weights, ONNX files or a static model's table, that are whole here with all they need. */
  readonly complete?: readonly string[];
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

const hasTokenizer = (folder: string): boolean =>
  [folder, join(folder, tableFolderOf(folder) ?? '')].some(at => existsSync(join(at, 'tokenizer.json')));

const COMMIT = /^[0-9a-f]{40}$/;

/** The commit that a file of a branch's name holds; '' where there is none. */
function commitIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The folder of a model in this library's cache, whole or not; undefined where it was never fetched. */
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
  return hasTokenizer(folder) ? folder : undefined;
}

/** Models in this library's cache of which something is whole, with the revision that they are found by. */
export async function listCached(
  cache: string,
): Promise<{ folder: string; model: CachedModel; revision: string }[]> {
  const root = join(cache, 'models');
  const found: { folder: string; model: CachedModel; revision: string }[] = [];
  for (const repo of (await readdir(root).catch(() => [])).sort()) {
    for (const commit of (await readdir(join(root, repo)).catch(() => [])).sort()) {
      const folder = join(root, repo, commit);
      const model = readManifest(folder);
      if (!model?.complete?.length) continue;
      const names = ['main', model.revision, commit];
      const revision = names.find(
        name => name === commit || commitIn(refFile(join(root, repo), name)) === commit,
      );
      found.push({ folder, model, revision: revision ?? commit });
    }
  }
  return found;
}

/** Snapshots of the hub client's cache that hold weights that are read here and a tokenizer. */
export async function listHubCache(hub: string): Promise<{ repo: string; commit: string; folder: string }[]> {
  const found: { repo: string; commit: string; folder: string }[] = [];
  for (const name of (await readdir(hub).catch(() => [])).sort()) {
    if (!name.startsWith('models--')) continue;
    const snapshots = join(hub, name, 'snapshots');
    for (const commit of (await readdir(snapshots).catch(() => [])).sort()) {
      const folder = join(snapshots, commit);
      if (!hasTokenizer(folder)) continue;
      if (tableFolderOf(folder) === undefined && !onnxFiles(folder).some(onnx => isWhole(folder, onnx)))
        continue;
      found.push({ repo: name.slice('models--'.length).replace('--', '/'), commit, folder });
    }
  }
  return found;
}
