/** Watching files: which of some paths changed, told once they have been quiet for a while. */
import { existsSync, type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Observable } from 'rxjs';

export interface WatchOptions {
  /** How long nothing must have changed before it is told, in milliseconds. Default 300. */
  readonly quietMs?: number;
  /** Folders of `paths` of which only what lies in them directly is watched. */
  readonly shallow?: ReadonlySet<string>;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What stands at a path, so that another folder of the same name is told from it. */
const identityOf = (path: string): string => {
  const info = statSync(path, { throwIfNoEntry: false });
  return info ? `${info.dev}:${info.ino}` : '';
};

/** The nearest folder of a path that is there. */
function nearestFolder(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return isFolder(at) ? at : dirname(at);
}

function* foldersAbove(path: string): Generator<string> {
  for (let at = path; dirname(at) !== at; at = dirname(at)) yield at;
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly identity: string;
}

/** Watchers of the system for some paths; they follow folders that are made, or that take the place of others. */
class Watchers {
  readonly #watched = new Map<string, Watched>();
  readonly #paths: readonly string[];
  readonly #shallow: ReadonlySet<string>;
  readonly #note: (path: string) => void;
  readonly #fail: (error: unknown) => void;

  constructor(
    paths: readonly string[],
    shallow: ReadonlySet<string>,
    note: (path: string) => void,
    fail: (error: unknown) => void,
  ) {
    this.#paths = paths;
    this.#shallow = shallow;
    this.#note = note;
    this.#fail = fail;
  }

  /** Watches what is there now. */
  attach(): void {
    const wanted = new Map<string, () => FSWatcher>();
    const said = (folder: string) => (_event: string, name: string | null) => {
      if (name !== null) this.#note(join(folder, name));
    };
    for (const path of this.#paths) {
      const folder = nearestFolder(path);
      const recursive = folder === path && !this.#shallow.has(path);
      wanted.set(`${recursive ? 'all' : 'in'} ${folder}`, () => watch(folder, { recursive }, said(folder)));
      // a folder may be moved away and another one put in its place: its parent says so
      for (const above of foldersAbove(folder)) {
        const name = basename(above);
        wanted.set(`at ${above}`, () =>
          watch(dirname(above), (_event, changed) => {
            if (changed === name) this.#note(above);
          }),
        );
      }
    }
    for (const [key, { watcher, identity }] of this.#watched) {
      if (wanted.has(key) && identityOf(placeOf(key)) === identity) continue;
      watcher.close();
      this.#watched.delete(key);
    }
    for (const [key, open] of wanted) {
      if (this.#watched.has(key)) continue;
      try {
        const watcher = open();
        watcher.on('error', error => this.#failed(key, error));
        this.#watched.set(key, { watcher, identity: identityOf(placeOf(key)) });
      } catch (error) {
        this.#failed(key, error);
      }
    }
  }
  // a folder above that cannot be watched costs little
  #failed(key: string, error: unknown): void {
    if (!key.startsWith('at ') && existsSync(placeOf(key))) this.#fail(error);
  }
  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }
}
const placeOf = (key: string): string => key.slice(key.indexOf(' ') + 1);

/**
 * The paths that changed at or under `paths` (files or folders, which need not be there yet), in bursts. Folders named
 * `.millrace` and temporary files are passed over. A folder that takes the place of another one of its name is a change,
 * and is watched from then on. Errors of the system's watcher end it.
 */
export const watchPaths = (
  paths: readonly string[],
  options: WatchOptions = {},
): Observable<readonly string[]> =>
  new Observable(subscriber => {
    const { quietMs = 300, shallow = new Set() } = options;
    const changed = new Set<string>();
    let timer: NodeJS.Timeout | undefined;
    const isWanted = (path: string): boolean =>
      paths.some(
        p =>
          path === p ||
          p.startsWith(`${path}/`) ||
          (shallow.has(p) ? dirname(path) === p : path.startsWith(`${p}/`)),
      );
    const note = (path: string): void => {
      if (!isWanted(path) || /(^|\/)(\.millrace|\.git|node_modules)(\/|$)|\.tmp\b/.test(path)) return;
      changed.add(path);
      clearTimeout(timer);
      timer = setTimeout(tell, quietMs);
    };
    const watchers = new Watchers(paths, shallow, note, error => subscriber.error(error));
    const tell = (): void => {
      timer = undefined;
      const burst = [...changed].sort();
      changed.clear();
      watchers.attach();
      subscriber.next(burst);
    };
    watchers.attach();
    return () => {
      clearTimeout(timer);
      watchers.close();
    };
  });
