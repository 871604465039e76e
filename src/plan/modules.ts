/**
 * Imports users' TypeScript and JavaScript. One instance of every module: a pipeline that brings operators builds
 * columns by the same Arrow, and throws the same UserError, as the engine. So tsx is registered for the process, not
 * run in a namespace of its own (`tsImport` there makes a second copy of everything a file imports).
 */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { register as registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError } from '../define/index.ts';

/**
 * A `.ts` file with no `"type": "module"` near it would be taken as CommonJS, which cannot share modules with the
 * engine (its `require` gets other copies): such files are modules all the same. Where a module imports one, tsx marks
 * its URL for the CommonJS loader; the marks come off.
 */
const AS_MODULE = `export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const file = /^(file:[^?]*?\\.tsx?)(?:%3Ftsx-[^?]*)?(\\?.*)?$/.exec(found.url);
  if (!file || !/^commonjs/.test(found.format ?? '')) return found;
  const query = new URLSearchParams(file[2] ?? '');
  for (const key of [...query.keys()]) if (key.startsWith('tsx-commonjs')) query.delete(key);
  return { ...found, url: file[1] + (query.size > 0 ? '?' + query : ''), format: 'module' };
}`;

let ready: Promise<void> | undefined;

/** Makes `import()` take TypeScript, once a process. Harmless where tsx is registered already. */
function takeTypeScript(): Promise<void> {
  ready ??= (async () => {
    // Run from sources, something takes TypeScript already: tsx, a test runner or Node itself.
    if (!import.meta.url.endsWith('.ts')) {
      const { register } = await import('tsx/esm/api');
      register();
    }
    registerHooks(`data:text/javascript,${encodeURIComponent(AS_MODULE)}`);
  })();
  return ready;
}

const loaded = new Map<string, number>();

/** A file as a message shows it: relative to the working directory where it lies below it. */
export function shownPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short === '' || short.startsWith('..') ? file : short.replaceAll('\\', '/');
}

/**
 * The exports of a user's file; a file that changed since is loaded anew.
 * @throws UserError where it cannot be loaded, with file and line where they are known
 */
export async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  await takeTypeScript();
  const changed = statSync(file).mtimeMs;
  const url = pathToFileURL(file);
  const before = loaded.get(file);
  if (before !== undefined && before !== changed) url.searchParams.set('changed', String(changed));
  loaded.set(file, before ?? changed);
  try {
    return (await import(/* @vite-ignore */ url.href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(await importError(file, error), { cause: error });
  }
}

async function importError(file: string, error: unknown): Promise<string> {
  if (!(error instanceof Error)) return `${shownPath(file)} threw ${String(error)}`;
  // tsx: one line an error, each with its place.
  const transform = [...error.message.matchAll(/^(.+):(\d+):(\d+): (?:ERROR|error): (.+)$/gm)];
  if (transform.length > 0) {
    return transform
      .map(([, at, line, column, said]) => `${shownPath(at)}:${line}:${Number(column) + 1}: ${said}`)
      .join('\n');
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const [, what, from] =
      /Cannot find (?:module|package) '([^']+)'(?: imported from (.+?))?(?:\n|$)/.exec(error.message) ?? [];
    if (what) {
      const importer = from?.replace(/^file:\/\//, '') ?? file;
      return `${shownPath(importer)}: it imports "${existsSync(what) ? what : shownPath(what)}", which is not there`;
    }
  }
  const place = frameIn(file, error.stack ?? '');
  if (place) return `${place}: ${error.message}`;
  if (error instanceof SyntaxError) {
    const at = await syntaxPlace(file);
    if (at) return `${at}: ${error.message}`;
  }
  return `${shownPath(file)}: ${error.message}`;
}

/** The first line of the stack that lies in the file: `pipelines/x.ts:3:16`. */
function frameIn(file: string, stack: string): string | undefined {
  for (const [, at, line, column] of stack.matchAll(
    /(?:\(|at |async )((?:file:\/\/)?[^\s()]+?)(?:\?[^:]*)?:(\d+):(\d+)\)?/g,
  )) {
    const path = at.startsWith('file:') ? fileURLToPath(at) : at;
    if (path === file) return `${shownPath(file)}:${line}:${column}`;
  }
  return undefined;
}

/** Where a syntax error in JavaScript is: Node says so only when it checks the file by itself. */
function syntaxPlace(file: string): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile(process.execPath, ['--check', file], { timeout: 10_000 }, (_error, _out, stderr) => {
      const match = /^(.+):(\d+)\r?$/m.exec(stderr);
      resolve(match ? `${shownPath(file)}:${match[2]}` : undefined);
    });
  });
}
