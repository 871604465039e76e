/** Models by name: where they are, fetching them, what they are, whether their files are whole. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import {
  type CachedFile,
  type CachedModel,
  cacheFolder,
  findCached,
  findInHubCache,
  hubCacheFolder,
  listCached,
  listHubCache,
  MANIFEST,
  modelRoot,
  readManifest,
  refFile,
} from './cache.ts';
import { embeddedFolder, embeddedNames } from './embedded.ts';
import { readEncoderSpec } from './encoder-config.ts';
import type { EncoderSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { downloadFile, hashFile, type Progress } from './fetch.ts';
import type { Environment } from './http.ts';
import { authorization, fileUrl, hubModel, neededFiles } from './hub.ts';
import { type ModelReference, parseReference } from './reference.ts';

export interface CatalogueOptions {
  /** Default: the user's cache folder. */
  readonly cache?: string;
  /** Uses only what is on this machine. Also set by MILLRACE_OFFLINE or HF_HUB_OFFLINE. */
  readonly offline?: boolean;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
  /** See DownloadOptions. */
  readonly retries?: number;
  readonly delay?: number;
  readonly silence?: number;
  onProgress?(progress: Progress): void;
}

export interface ResolvedModel {
  /** As it was asked for. */
  readonly name: string;
  readonly folder: string;
  /** The ONNX file inside the folder, where one was named or chosen. */
  readonly file?: string;
  readonly from: 'embedded' | 'folder' | 'cache' | 'hub cache';
  readonly commit?: string;
}

export interface ListedModel {
  readonly name: string;
  readonly folder: string;
  readonly from: ResolvedModel['from'];
  readonly bytes: number;
  readonly commit?: string;
}

export interface ModelDescription extends ResolvedModel {
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256?: string }[];
  /** What an encoder of it would be; `problem` says why it is none. */
  readonly encoder?: EncoderSpec;
  readonly problem?: string;
}

export interface FileVerdict {
  readonly path: string;
  readonly ok: boolean;
  /** What is wrong. */
  readonly problem?: string;
}

const yes = (value: string | undefined): boolean => value !== undefined && /^(1|true|yes|on)$/i.test(value);

const settings = (options: CatalogueOptions) => {
  const env = options.env ?? process.env;
  return {
    env,
    cache: options.cache ?? cacheFolder(env),
    offline: options.offline ?? (yes(env.MILLRACE_OFFLINE) || yes(env.HF_HUB_OFFLINE)),
  };
};

const read = (name: string): ModelReference => parseReference(name, embeddedNames());

function filesOf(folder: string): { path: string; bytes: number }[] {
  const found: { path: string; bytes: number }[] = [];
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    const info = statSync(join(folder, name));
    if (info.isFile() && name !== MANIFEST) found.push({ path: name.split(sep).join('/'), bytes: info.size });
  }
  return found;
}

/**
 * Where a model is on this machine, without asking any other; undefined where it must be fetched first.
 * @throws ModelError where the name is malformed, or names a folder that is not there
 */
export function locateModel(name: string, options: CatalogueOptions = {}): ResolvedModel | undefined {
  const { env, cache } = settings(options);
  const reference = read(name);
  if (reference.kind === 'embedded')
    return { name, folder: embeddedFolder(reference.name), from: 'embedded' };
  if (reference.kind === 'folder') {
    const { path, file } = reference;
    if (!existsSync(path)) {
      throw new ModelError(`model "${name}": no folder is there`, {
        help: `give a folder, hf:ORG/NAME, or one of: ${embeddedNames().join(', ')}`,
      });
    }
    return { name, folder: path, file, from: 'folder' };
  }
  const { repo, revision, file } = reference;
  const cached = findCached(cache, repo, revision);
  const has = (folder: string, wanted: string): string | undefined =>
    [wanted, `onnx/${wanted}`].find(path => existsSync(join(folder, path)));
  if (cached) {
    const { folder, model } = cached;
    const found = file === undefined ? model.onnx : has(folder, file);
    if (file === undefined || found !== undefined)
      return { name, folder, file: found, from: 'cache', commit: model.commit };
  }
  const left = findInHubCache(hubCacheFolder(env), repo, revision);
  if (left !== undefined) {
    const found = [file, ...(file === undefined ? ['onnx/model.onnx', 'model.onnx'] : [])]
      .map(path => (path === undefined ? undefined : has(left, path)))
      .find(path => path !== undefined);
    if (found !== undefined) {
      return { name, folder: left, file: found, from: 'hub cache', commit: left.split(/[\\/]/).at(-1) };
    }
  }
  return undefined;
}

/**
 * Fetches a model from the hub into the cache, or finds it there. Files that are there and whole are kept, so a stopped
 * run goes on where it was.
 * @throws ModelError offline, where it is not found, where access is refused, or where a checksum differs
 */
export async function addModel(name: string, options: CatalogueOptions = {}): Promise<ResolvedModel> {
  const { env, cache, offline } = settings(options);
  const reference = read(name);
  if (reference.kind !== 'hub') return locateModel(name, options) as ResolvedModel;
  const { repo, revision, file } = reference;
  if (offline) {
    throw new ModelError(`model "${name}": is not on this machine, and --offline forbids to fetch it`, {
      help: `fetch it once with a network: millrace models add ${name}`,
    });
  }
  const hub = await hubModel(repo, revision, { env, signal: options.signal, silence: options.silence });
  const needed = neededFiles(repo, hub.files, file);
  const folder = join(modelRoot(cache, repo), hub.commit);
  const before = readManifest(folder);
  const known = new Map(before?.files.map(entry => [entry.path, entry]));
  for (const entry of needed.files) {
    const path = join(folder, ...entry.path.split('/'));
    const had = known.get(entry.path);
    if (had && (await stat(path).catch(() => undefined))?.size === had.bytes) continue;
    const got = await downloadFile(fileUrl(repo, hub.commit, entry.path, env), path, {
      name: `hf:${repo} ${entry.path}`,
      sha256: entry.sha256,
      bytes: entry.bytes,
      headers: authorization(env),
      env,
      signal: options.signal,
      silence: options.silence,
      retries: options.retries,
      delay: options.delay,
      onProgress: options.onProgress && (p => options.onProgress?.(p)),
    });
    known.set(entry.path, { path: entry.path, ...got } satisfies CachedFile);
    await writeManifest(folder, {
      repo,
      revision,
      commit: hub.commit,
      onnx: before?.onnx ?? needed.onnx,
      files: [...known.values()],
    });
  }
  // the branch's name is set last: a model that a stop left half is not found by it
  const ref = refFile(modelRoot(cache, repo), revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeFile(`${ref}.tmp`, `${hub.commit}\n`);
  await rename(`${ref}.tmp`, ref);
  return { name, folder, file: needed.onnx, from: 'cache', commit: hub.commit };
}

async function writeManifest(folder: string, model: CachedModel): Promise<void> {
  const path = join(folder, MANIFEST);
  await writeFile(`${path}.tmp`, `${JSON.stringify(model, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

/**
 * A model's folder: an embedded one, a given folder, the cache, another tool's cache, and only then the hub.
 * @throws ModelError as `locateModel` and `addModel` do
 */
export async function resolveModel(name: string, options: CatalogueOptions = {}): Promise<ResolvedModel> {
  return locateModel(name, options) ?? addModel(name, options);
}

/** Models on this machine: embedded, in the cache, and those with an ONNX file that the hub's client left. */
export async function listModels(options: CatalogueOptions = {}): Promise<ListedModel[]> {
  const { env, cache } = settings(options);
  const size = (folder: string): number => filesOf(folder).reduce((sum, file) => sum + file.bytes, 0);
  const found: ListedModel[] = [];
  for (const name of embeddedNames()) {
    const folder = embeddedFolder(name);
    found.push({ name, folder, from: 'embedded', bytes: size(folder) });
  }
  for (const { folder, model } of await listCached(cache)) {
    const suffix = model.revision === 'main' ? '' : `@${model.revision}`;
    found.push({
      name: `hf:${model.repo}${suffix}`,
      folder,
      from: 'cache',
      bytes: size(folder),
      commit: model.commit,
    });
  }
  for (const { repo, commit, folder } of await listHubCache(hubCacheFolder(env))) {
    found.push({
      name: `hf:${repo}@${commit}`,
      folder,
      from: 'hub cache',
      bytes: size(folder),
      commit,
    });
  }
  return found;
}

/** What a model on this machine is: its files, and the settings that its encoder would have. */
export async function infoModel(name: string, options: CatalogueOptions = {}): Promise<ModelDescription> {
  const model = locateModel(name, options);
  if (!model) {
    throw new ModelError(`model "${name}": is not on this machine`, {
      help: `fetch it: millrace models add ${name}`,
    });
  }
  const manifest = readManifest(model.folder);
  const sums = new Map(manifest?.files.map(file => [file.path, file.sha256]));
  const files = filesOf(model.folder).map(file => ({ ...file, sha256: sums.get(file.path) }));
  try {
    return { ...model, files, encoder: await readEncoderSpec(model.folder, { file: model.file }, name) };
  } catch (error) {
    return { ...model, files, problem: (error as Error).message };
  }
}

/**
 * Reads every file of a cached or embedded model and compares it with the checksum kept beside it.
 * @throws ModelError where nothing was kept to compare with
 */
export async function verifyModel(name: string, options: CatalogueOptions = {}): Promise<FileVerdict[]> {
  const model = locateModel(name, options);
  const manifest = model && readManifest(model.folder);
  if (!model || !manifest) {
    throw new ModelError(`model "${name}": no checksums are kept for it`, {
      help: 'only models that were fetched with "models add", and embedded ones, have them',
    });
  }
  const verdicts: FileVerdict[] = [];
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = join(model.folder, ...path.split('/'));
    const size = (await stat(file).catch(() => undefined))?.size;
    let problem: string | undefined;
    if (size === undefined) problem = 'is missing';
    else if (size !== bytes) problem = `has ${size} bytes, wanted ${bytes}`;
    else {
      const found = await hashFile(file);
      if (found !== sha256) problem = `sha256 is ${found}, wanted ${sha256}`;
    }
    verdicts.push({ path, ok: problem === undefined, problem });
  }
  return verdicts;
}

/** Removes a model from the cache; models in other places are left. @returns the folders that were removed */
export async function removeModel(name: string, options: CatalogueOptions = {}): Promise<string[]> {
  const { cache } = settings(options);
  const reference = read(name);
  if (reference.kind !== 'hub') throw new ModelError(`model "${name}": is not in the cache`);
  const root = modelRoot(cache, reference.repo);
  const found = findCached(cache, reference.repo, reference.revision);
  if (!found) return [];
  await rm(found.folder, { recursive: true, force: true });
  await rm(refFile(root, reference.revision), { force: true });
  return [relative(cache, found.folder)];
}

/** Files of a resolved model whose bytes decide its results, as absolute or given paths: for fingerprints. */
export function modelFiles(model: ResolvedModel): string[] {
  const names = filesOf(model.folder).map(file => file.path);
  const onnx = model.file;
  return names
    .filter(path => {
      if (path.endsWith('.onnx')) return onnx === undefined || path === onnx;
      if (/\.onnx([._]data.*)$/.test(path)) return onnx === undefined || path.startsWith(onnx);
      return /\.(json|safetensors|metadata)$/.test(path);
    })
    .map(path => join(model.folder, ...path.split('/')));
}
