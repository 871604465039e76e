/** The contexts an operator is planned and opened with, in a folder of its own. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Columns } from '../arrow/index.ts';
import type { Json, OpenContext, PlanContext, StepState } from '../define/index.ts';

/** A folder that a test works in: files are written before, and it is removed after. */
export class TestFolder {
  readonly root: string;
  readonly #own: boolean;
  #temp: string | undefined;

  private constructor(root: string, own: boolean) {
    this.root = root;
    this.#own = own;
  }
  /** `root` is kept after; without it a temporary folder is made. `files` are texts by relative path. */
  static async make(root?: string, files: Readonly<Record<string, string>> = {}): Promise<TestFolder> {
    const folder = new TestFolder(
      root ?? (await mkdtemp(join(tmpdir(), 'millrace-test-'))),
      root === undefined,
    );
    for (const [path, text] of Object.entries(files)) {
      const file = folder.path(path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    return folder;
  }
  path(relative: string): string {
    return isAbsolute(relative) ? relative : resolve(this.root, relative);
  }
  async temp(): Promise<string> {
    this.#temp ??= await mkdtemp(join(tmpdir(), 'millrace-spill-'));
    return this.#temp;
  }
  /** The files at these relative paths; undefined where there is none. */
  async read(paths: readonly string[]): Promise<Record<string, string | undefined>> {
    const texts = await Promise.all(paths.map(p => readFile(this.path(p), 'utf8').catch(() => undefined)));
    return Object.fromEntries(paths.map((p, i) => [p, texts[i]]));
  }
  async remove(): Promise<void> {
    if (this.#temp) await rm(this.#temp, { recursive: true, force: true });
    this.#temp = undefined;
    if (this.#own) await rm(this.root, { recursive: true, force: true });
  }
}

export const planContext = (folder: TestFolder): PlanContext => ({
  root: folder.root,
  path: relative => folder.path(relative),
});

/** A state in memory. */
export function memoryState(): StepState {
  const held = new Map<string, Uint8Array>();
  const text = (key: Uint8Array): string => Buffer.from(key).toString('latin1');
  return {
    get: key => held.get(text(key)),
    put: (key, value) => {
      held.set(text(key), Buffer.from(value));
    },
    delete: key => {
      held.delete(text(key));
    },
  };
}

/** What {@link openContext} leaves to choose. */
export interface ContextOptions {
  readonly memory?: number;
  readonly signal?: AbortSignal;
  /** What a stream remembers; default: nothing yet. */
  readonly state?: StepState;
  /** False for a sink that takes changes onto what is there. Default true. */
  readonly full?: boolean;
  /** A token that a sink kept, to go on from. */
  readonly from?: Json;
  readonly inputs: readonly Columns[];
  readonly keys: readonly (readonly string[])[];
  readonly warnings: string[];
}

export const openContext = (folder: TestFolder, options: ContextOptions): OpenContext => ({
  ...planContext(folder),
  step: 'tested',
  memory: options.memory ?? 64 * 2 ** 20,
  tempFolder: () => folder.temp(),
  signal: options.signal ?? new AbortController().signal,
  warn: message => {
    if (!options.warnings.includes(message)) options.warnings.push(message);
  },
  inputs: options.inputs,
  keys: options.keys,
  full: options.full ?? true,
  ...(options.from !== undefined && { from: options.from }),
  state: options.state ?? memoryState(),
});
