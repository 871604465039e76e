/** Finds and loads pipelines: a file by its path, or one of `pipelines/` by its name. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AnyOperator, nearest, type Pipeline, UserError } from '../define/index.ts';
import { found, some } from './describe.ts';
import { didYouMean, isRecord } from './findings.ts';
import { importFile, shownPath } from './modules.ts';
import { isOperator } from './registry.ts';
import type { SourceMap } from './types.ts';
import { parseDefinition } from './yaml.ts';

const CODE = ['.ts', '.mts', '.js', '.mjs'];
const DATA = ['.yaml', '.yml', '.json'];
const ENDINGS = [...CODE, ...DATA];

export interface LoadOptions {
  /** The folder that paths start from, and whose `pipelines/` is looked in first. */
  readonly root: string;
}

/** A pipeline as it was written. Its shape is not checked: that is {@link check}'s. */
export interface Loaded {
  readonly definition: Pipeline;
  /** Where its parts stand, for YAML and JSON. */
  readonly positions?: SourceMap;
  /** The absolute path of the file. */
  readonly file: string;
}

/** A pipeline that a bare name finds. */
export interface NamedPipeline {
  readonly name: string;
  readonly file: string;
  /** Whether it is the package's own. */
  readonly own: boolean;
}

/** Folders of pipelines that come with the package: beside the sources, or compiled. */
function packageFolders(): string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, '..', '..', 'pipelines'), join(here, '..', '..', '..', 'pipelines')];
}

const endingOf = (file: string): string | undefined =>
  /\.d\.m?ts$/.test(file) ? undefined : ENDINGS.find(e => e === extname(file));

/** The pipelines that names find: those of the root's `pipelines/` folder, then the package's. */
export function listPipelines({ root }: LoadOptions): NamedPipeline[] {
  const seen = new Map<string, NamedPipeline>();
  const folders = [join(resolve(root), 'pipelines'), ...packageFolders()];
  folders.forEach((folder, i) => {
    const here = new Set<string>();
    for (const file of filesIn(folder)) {
      const ending = endingOf(file);
      const name = basename(file, ending);
      if (ending === undefined || (seen.has(name) && !here.has(name))) continue;
      // Sources of a package that is installed are there compiled as well.
      if (i === 2 && CODE.includes(ending)) continue;
      here.add(name);
      if (!seen.has(name)) seen.set(name, { name, file: join(folder, file), own: i > 0 });
    }
  });
  return [...seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const filesIn = (folder: string): string[] =>
  existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).sort() : [];

/**
 * Loads a pipeline from a path or by its name in `pipelines/`.
 * @throws UserError where there is none, or its file cannot be read; the text says file and line
 */
export async function loadPipeline(nameOrPath: string, options: LoadOptions): Promise<Loaded> {
  const file = findPipeline(nameOrPath, options);
  if (DATA.includes(extname(file))) return loadData(file);
  const exports = await importFile(file);
  return { definition: pickPipeline(exports, file), file };
}

function findPipeline(nameOrPath: string, options: LoadOptions): string {
  const looksLikePath = /[\\/]/.test(nameOrPath) || endingOf(nameOrPath) !== undefined;
  if (looksLikePath) {
    const places = [...new Set([resolve(options.root, nameOrPath), resolve(nameOrPath)])];
    const file = places.find(p => existsSync(p));
    if (file === undefined)
      throw notFound(`there is no file ${places.map(shownPath).join(' or ')}`, nameOrPath, options);
    if (statSync(file).isDirectory()) {
      throw notFound(
        `${shownPath(file)} is a folder, wanted a file (${ENDINGS.join(' ')})`,
        nameOrPath,
        options,
      );
    }
    if (endingOf(file) === undefined) {
      throw new UserError(`${shownPath(file)}: a pipeline is a file that ends in ${some(ENDINGS)}`);
    }
    return file;
  }
  const folder = join(resolve(options.root), 'pipelines');
  const mine = filesIn(folder).filter(
    f => endingOf(f) !== undefined && basename(f, extname(f)) === nameOrPath,
  );
  if (mine.length > 1) {
    const names = mine.map(f => shownPath(join(folder, f)));
    throw new UserError(`"${nameOrPath}" may be ${names.join(' or ')}`, {
      help: 'give the path of the one you mean',
    });
  }
  const named = listPipelines(options).find(p => p.name === nameOrPath);
  if (!named)
    throw notFound(
      `there is no pipeline "${nameOrPath}" in ${resolve(folder)} or the package`,
      nameOrPath,
      options,
    );
  return named.file;
}

/** With near names, or those there are. */
function notFound(message: string, wanted: string, options: LoadOptions): UserError {
  const names = listPipelines(options).map(p => p.name);
  const near = nearest(basename(wanted, endingOf(wanted)), names);
  const help = didYouMean(near);
  const list =
    names.length > 0
      ? `pipelines there are: ${some(names, 20)}`
      : 'there are no pipelines yet: `millrace init` makes one; --root DIR names the folder of a project';
  return new UserError(message, { help: help ? `${help} ${list}` : list });
}

const isPipeline = (value: unknown): value is Pipeline => isRecord(value) && Array.isArray(value.steps);

/** The default export, or the one export that is a pipeline. */
function pickPipeline(exports: Readonly<Record<string, unknown>>, file: string): Pipeline {
  const shown = shownPath(file);
  if (exports.default !== undefined) {
    if (typeof exports.default === 'function') {
      throw new UserError(`${shown}: the default export is a function, wanted a pipeline`, {
        help: 'export what it returns: a pipeline is data',
      });
    }
    return exports.default as Pipeline;
  }
  const pipelines = Object.entries(exports).filter(([, value]) => isPipeline(value));
  if (pipelines.length === 1) return pipelines[0][1] as Pipeline;
  const names = Object.keys(exports);
  if (pipelines.length > 1) {
    throw new UserError(`${shown} exports several pipelines: ${some(pipelines.map(([name]) => name))}`, {
      help: 'export the one to run as default',
    });
  }
  throw new UserError(`${shown} exports no pipeline${names.length > 0 ? `, only ${some(names)}` : ''}`, {
    help: 'write: export default pipeline({ name, steps })',
  });
}

async function loadData(file: string): Promise<Loaded> {
  const shown = shownPath(file);
  const { value, positions } = parseDefinition(
    readFileSync(file, 'utf8'),
    shown,
    extname(file) === '.json' ? 'json' : 'yaml',
  );
  if (!isRecord(value) || !Array.isArray(value.operators)) {
    return { definition: value as Pipeline, positions, file };
  }
  const operators: AnyOperator[] = [];
  for (const [i, name] of value.operators.entries()) {
    const at = positions.at(['operators', i]);
    const place = at ? `${shown}:${at.line}:${at.column}` : shown;
    if (typeof name !== 'string') {
      throw new UserError(
        `${place}: operators[${i}]: wanted the path of a file with operators, got ${found(name)}`,
      );
    }
    operators.push(...(await loadOperators(resolve(dirname(file), name), place)));
  }
  return { definition: { ...value, operators } as unknown as Pipeline, positions, file };
}

/** All operators that a file exports, one by one or in lists. */
async function loadOperators(file: string, place: string): Promise<AnyOperator[]> {
  if (!existsSync(file) || statSync(file).isDirectory()) {
    throw new UserError(`${place}: there is no file of operators ${shownPath(file)}`, {
      help: 'the path is relative to the file that names it',
    });
  }
  const exports = await importFile(file);
  const all = Object.values(exports).flat().filter(isOperator);
  if (all.length === 0) {
    throw new UserError(`${place}: ${shownPath(file)} exports no operator`, {
      help: 'write: export const mine = operator({ name, … })',
    });
  }
  return [...new Set(all)];
}
