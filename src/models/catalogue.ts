/** Models by name: where they are, fetching them, what they are, whether their files are whole. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile, link, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
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
import { dimensionOf } from './dimension.ts';
import { embeddedFolder, embeddedNames } from './embedded.ts';
import { readEncoderSpec } from './encoder-config.ts';
import { type EncoderSpec, isStatic } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { type Downloaded, downloadFile, hashFile, type Progress } from './fetch.ts';
import { fusionWeightOf } from './fusion-weight.ts';
import type { Environment } from './http.ts';
import { authorization, fileUrl, type HubFile, hubModel, neededFiles } from './hub.ts';
import { lengthOf } from './length.ts';
import { onnxOutputs } from './onnx-read.ts';
import { dataFilesOf, filesRead, findOnnx, isDataOf, isWhole, TABLE_FILE, tableFolderOf } from './parts.ts';
import { type ModelReference, parseReference } from './reference.ts';
import { scoreOutput } from './score-output.ts';

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
  readonly kind?:
    | 'encoder'
    | 'pair of encoders'
    | 'late-interaction encoder'
    | 'static encoder'
    | 'cross-encoder';
  /** Numbers in a vector; undefined where the files do not say it. */
  readonly dimension?: number;
  /** What lists of hits by its vectors count for in merge.hits, where that is told nothing. */
  readonly fusionWeight?: number;
  /** What an encoder of it would be; `problem` says why it is none. */
  readonly encoder?: EncoderSpec;
  /** The longest pair of a cross-encoder in tokens, and where that was found. */
  readonly pair?: { readonly maxTokens: number; readonly source: string };
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
    // a link of another tool's cache may lead nowhere
    const info = statSync(join(folder, name), { throwIfNoEntry: false });
    if (info?.isFile() && name !== MANIFEST)
      found.push({ path: name.split(sep).join('/'), bytes: info.size });
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
  if (cached) {
    const { folder, model } = cached;
    const { complete = [], commit } = model;
    // the plain name is what was chosen for it: another file that was named does not stand in for it
    const weights =
      file === undefined
        ? (model.onnx ?? TABLE_FILE)
        : [file, `onnx/${file}`].find(p => complete.includes(p));
    if (weights !== undefined && complete.includes(weights))
      return { name, folder, file: weights === TABLE_FILE ? undefined : weights, from: 'cache', commit };
  }
  const left = findInHubCache(hubCacheFolder(env), repo, revision);
  if (left === undefined) return undefined;
  const found = { name, folder: left, from: 'hub cache', commit: basename(left) } as const;
  const table = file === undefined ? tableFolderOf(left) : undefined;
  if (table !== undefined) return existsSync(join(left, table, TABLE_FILE)) ? found : undefined;
  const onnx = findOnnx(left, file);
  return onnx !== undefined && isWhole(left, onnx) ? { ...found, file: onnx } : undefined;
}

/**
 * Fetches a model from the hub into the cache. Files that are there and whole are kept, so a stopped run goes on where
 * it was; those that the hub's own client left on this machine are taken over, once their checksum is right. Offline it
 * is what `locateModel` finds.
 * @throws ModelError offline, where it is not found, where access is refused, or where a checksum differs
 */
export async function addModel(name: string, options: CatalogueOptions = {}): Promise<ResolvedModel> {
  const { env, cache, offline } = settings(options);
  const reference = read(name);
  if (reference.kind !== 'hub') return locateModel(name, options) as ResolvedModel;
  const { repo, revision, file } = reference;
  if (offline) {
    const found = locateModel(name, options);
    if (found) return found;
    throw new ModelError(`model "${name}": is not on this machine, and --offline forbids to fetch it`, {
      help: `fetch it once with a network: millrace models add ${name}`,
    });
  }
  const hub = await hubModel(repo, revision, { env, signal: options.signal, silence: options.silence });
  const needed = neededFiles(repo, hub.files, file);
  const folder = join(modelRoot(cache, repo), hub.commit);
  const before = readManifest(folder);
  const known = new Map(before?.files.map(entry => [entry.path, entry]));
  const keep = (model: Pick<CachedModel, 'onnx' | 'complete'>): Promise<void> =>
    writeManifest(folder, {
      repo,
      revision: before?.revision ?? revision,
      commit: hub.commit,
      ...model,
      files: [...known.values()],
    });
  const left = join(hubCacheFolder(env), `models--${repo.replace('/', '--')}`, 'snapshots', hub.commit);
  const fetch = async (entries: readonly HubFile[]): Promise<void> => {
    for (const entry of entries) {
      const path = join(folder, ...entry.path.split('/'));
      const had = known.get(entry.path);
      if (had && (await stat(path).catch(() => undefined))?.size === had.bytes) continue;
      const got =
        (await takeOver(join(left, ...entry.path.split('/')), path, entry)) ??
        (await downloadFile(fileUrl(repo, hub.commit, entry.path, env), path, {
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
        }));
      known.set(entry.path, { path: entry.path, ...got } satisfies CachedFile);
      await keep({ onnx: before?.onnx, complete: before?.complete });
    }
  };
  const isWeight = ({ path }: HubFile): boolean =>
    needed.onnx !== undefined && (path === needed.onnx || isDataOf(needed.onnx, path));
  await fetch(needed.files.filter(entry => !isWeight(entry)));
  // only the settings say whether a model with a table beside its ONNX file is a static one
  const table = file === undefined ? tableFolderOf(folder) : undefined;
  const onnx = table === undefined ? needed.onnx : undefined;
  if (table !== undefined) {
    const path = table === '' ? TABLE_FILE : `${table}/${TABLE_FILE}`;
    await fetch(hub.files.filter(entry => entry.path === path));
  } else {
    await fetch(needed.files.filter(isWeight));
    // data under names of its own
    const named = onnx === undefined ? [] : dataFilesOf(folder, onnx);
    await fetch(hub.files.filter(entry => named.includes(entry.path)));
    if (onnx !== undefined && !isWhole(folder, onnx)) {
      throw new ModelError(`hf:${repo}: ${onnx} keeps weights in ${named.join(', ')}, which is not there`, {
        help: 'name another ONNX file of it',
      });
    }
  }
  await keep({
    onnx: file === undefined ? onnx : before?.onnx,
    complete: [...new Set([...(before?.complete ?? []), onnx ?? TABLE_FILE])],
  });
  const ref = refFile(modelRoot(cache, repo), revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeFile(`${ref}.tmp`, `${hub.commit}\n`);
  await rename(`${ref}.tmp`, ref);
  return { name, folder, file: onnx, from: 'cache', commit: hub.commit };
}

/** Puts a file of another cache into this one, where it is what the hub has: linked, or copied from another disk. */
async function takeOver(from: string, to: string, wanted: HubFile): Promise<Downloaded | undefined> {
  const source = await realpath(from).catch(() => undefined);
  // without a checksum of the hub's there is nothing to trust it by
  if (source === undefined || wanted.sha256 === undefined) return undefined;
  const bytes = (await stat(source)).size;
  if (bytes !== wanted.bytes) return undefined;
  const sha256 = await hashFile(source);
  if (sha256 !== wanted.sha256) return undefined;
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { force: true });
  await link(source, to).catch(() => copyFile(source, to));
  return { bytes, sha256 };
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
  for (const { folder, model, revision } of await listCached(cache)) {
    const suffix = revision === 'main' ? '' : `@${revision}`;
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

/** Whether the ONNX file of a folder is a sequence classifier, by its outputs. */
function isCross(folder: string, file?: string): boolean {
  const onnx = tableFolderOf(folder) === undefined ? findOnnx(folder, file) : undefined;
  const outputs = (onnx !== undefined && onnxOutputs(join(folder, onnx))) || [];
  const score = scoreOutput(outputs);
  // a vector of a width left open is no score, a logit may be
  return (
    score !== undefined && (score.name === 'logits' || (score.shape[1] !== undefined && outputs.length === 1))
  );
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
  const { folder, file } = model;
  try {
    if (isCross(folder, file)) {
      const [maxTokens, source] = await lengthOf([folder]);
      return { ...model, files, kind: 'cross-encoder', pair: { maxTokens, source } };
    }
    const encoder = await readEncoderSpec(folder, { file }, name);
    const kind = encoder.late
      ? 'late-interaction encoder'
      : encoder.querySide
        ? 'pair of encoders'
        : isStatic(encoder)
          ? 'static encoder'
          : 'encoder';
    const dimension = dimensionOf(folder, { file });
    return { ...model, files, kind, dimension, fusionWeight: fusionWeightOf(folder), encoder };
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
  if (reference.kind !== 'hub')
    throw new ModelError(`model "${name}": is not in the cache`, {
      help: 'only fetched models are removed; `millrace models list` shows them',
    });
  const root = modelRoot(cache, reference.repo);
  const found = findCached(cache, reference.repo, reference.revision);
  if (!found) return [];
  await rm(found.folder, { recursive: true, force: true });
  await rm(refFile(root, reference.revision), { force: true });
  return [relative(cache, found.folder)];
}

/**
 * Files of a resolved model whose bytes decide its results, as absolute or given paths: those that are loaded.
 * @throws ModelError where no ONNX file is there, or it is not clear which
 */
export const modelFiles = (model: ResolvedModel): string[] => filesRead(model.folder, model.file);
