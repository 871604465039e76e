/** Which files of a model's folder are read: one answer for plans, fingerprints, the catalogue and encoders. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ModelError } from './errors.ts';
import { jsonOf } from './folder.ts';
import { onnxExternal } from './onnx-read.ts';

const QUERY_FOLDERS = ['question_encoder', 'query_encoder', 'question', 'query'];
const PASSAGE_FOLDERS = ['ctx_encoder', 'context_encoder', 'passage_encoder', 'passage', 'document'];
const PREFERRED = ['onnx/model.onnx', 'model.onnx'];

/** The weights of a static model. */
export const TABLE_FILE = 'model.safetensors';

const CONFIGS = [
  'encoder.json',
  'modules.json',
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'artifact.metadata',
];

/** The folders of a model's encoders: one for both sides, or one a side (DPR). */
export function sidesOf(folder: string): { readonly passage: string; readonly query?: string } {
  const found = (names: readonly string[]): string | undefined =>
    names.map(name => join(folder, name)).find(existsSync);
  const [query, passage] = [found(QUERY_FOLDERS), found(PASSAGE_FOLDERS)];
  return query === undefined || passage === undefined ? { passage: folder } : { passage, query };
}

export interface ModuleEntry {
  /** The last word of its type: Transformer, Pooling, Dense, … */
  readonly kind: string;
  readonly type: string;
  /** Its folder, relative; '' for the model's own. */
  readonly path: string;
}

/** The modules of a sentence-transformers export; undefined where there is no such list. */
export function modulesIn(folder: string): ModuleEntry[] | undefined {
  const list: unknown = jsonOf(folder, 'modules.json');
  if (!Array.isArray(list)) return undefined;
  return (list as { type?: unknown; path?: unknown }[]).map(({ type, path }) => ({
    type: String(type),
    kind: String(type).split('.').at(-1) as string,
    path: typeof path === 'string' && path !== '.' ? path : '',
  }));
}

/** The folder of the table where the model is a static one (model2vec, StaticEmbedding), relative; else undefined. */
export function tableFolderOf(folder: string): string | undefined {
  const modules = modulesIn(folder);
  const module = modules?.find(m => m.kind === 'StaticEmbedding');
  if (module) return module.path;
  const transformer = modules?.find(m => m.kind === 'Transformer')?.path ?? '';
  const config = jsonOf(folder, transformer, 'config.json') ?? jsonOf(folder, 'config.json');
  return config?.model_type === 'model2vec' ? transformer : undefined;
}

/** ONNX files of a folder and its `onnx` folder, relative to it, parts set off by `/`. */
export function onnxFiles(folder: string): string[] {
  const names = (sub: string): string[] => {
    try {
      return readdirSync(join(folder, sub))
        .filter(name => name.endsWith('.onnx'))
        .sort();
    } catch {
      return [];
    }
  };
  return [...names(''), ...names('onnx').map(name => `onnx/${name}`)];
}

/** The ONNX file of those listed: the one named, by its path or by its name in `onnx`, else model.onnx, else the only one. */
export function chooseOnnx(files: readonly string[], wanted?: string): string | undefined {
  if (wanted !== undefined) return [wanted, `onnx/${wanted}`].find(path => files.includes(path));
  return PREFERRED.find(file => files.includes(file)) ?? (files.length === 1 ? files[0] : undefined);
}

/** The ONNX file of a folder, relative to it; a file named may lie deeper. */
export function findOnnx(folder: string, wanted?: string): string | undefined {
  if (wanted === undefined) return chooseOnnx(onnxFiles(folder));
  return [wanted, `onnx/${wanted}`].find(path => existsSync(join(folder, path)));
}

/**
 * The path of the ONNX file of a folder.
 * @throws ModelError that lists the files there are
 */
export function onnxFileOf(folder: string, wanted?: string): string {
  const found = findOnnx(folder, wanted);
  if (found !== undefined) return join(folder, found);
  const files = onnxFiles(folder);
  const listed = files.length > 0 ? `ONNX files there: ${files.join(', ')}` : 'no ONNX file is there';
  if (wanted !== undefined) throw new ModelError(`${folder}: has no file "${wanted}"`, { help: listed });
  if (files.length > 1) {
    throw new ModelError(`${folder}: has ${files.length} ONNX files, and none is model.onnx`, {
      help: `name one of: ${files.join(', ')}`,
    });
  }
  throw new ModelError(`${folder}: no ONNX file`, {
    help: 'export the model: optimum-cli export onnx --model NAME FOLDER; many models on the hub have one in their onnx folder',
  });
}

/** Whether a file holds weights of an ONNX file, by the names that exporters give. */
export const isDataOf = (onnx: string, path: string): boolean =>
  path === `${onnx}_data` || path === `${onnx}.data` || path.startsWith(`${onnx}_data_`);

/** Files beside an ONNX file that hold its weights, as it says itself; relative to the model's folder. */
export function dataFilesOf(folder: string, onnx: string): string[] {
  const beside = dirname(onnx);
  return onnxExternal(join(folder, onnx)).map(file => (beside === '.' ? file : `${beside}/${file}`));
}

/** Whether an ONNX file and its weights are there. */
export const isWhole = (folder: string, onnx: string): boolean =>
  [onnx, ...dataFilesOf(folder, onnx)].every(path => existsSync(join(folder, path)));

/**
 * The files that an encoder or cross-encoder of a folder is loaded from, as paths that begin with the folder: settings,
 * tokenizer, one ONNX file with its weights or a static model's table, dense layers.
 * @param wanted the ONNX file, where one was named
 * @throws ModelError where no ONNX file is there, or it is not clear which
 */
export function filesRead(folder: string, wanted?: string): string[] {
  const { passage, query } = sidesOf(folder);
  const found = new Set<string>();
  for (const side of query === undefined ? [passage] : [passage, query]) {
    const modules = modulesIn(side) ?? [];
    for (const path of new Set(['', ...modules.map(m => m.path)]))
      for (const name of CONFIGS) found.add(join(side, path, name));
    for (const { kind, path } of modules) if (kind === 'Dense') found.add(join(side, path, TABLE_FILE));
    const table = tableFolderOf(side);
    if (table !== undefined) found.add(join(side, table, TABLE_FILE));
    else {
      const onnx = onnxFileOf(side, wanted).slice(side.length + 1);
      for (const path of [onnx, ...dataFilesOf(side, onnx)]) found.add(join(side, path));
    }
  }
  return [...found].filter(existsSync).sort();
}
