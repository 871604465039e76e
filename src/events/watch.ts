/** Watching files: which of some paths changed, told once they have been quiet for a while. */
import { existsSync, type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { Observable } from 'rxjs';

export interface WatchOptions {
  /** How long nothing must have changed before it is told, in milliseconds. Default 300. */
  readonly quietMs?: number;
}

/** The nearest folder of a path that is there. */
function nearestFolder(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return existsSync(at) && statSync(at).isDirectory() ? at : dirname(at);
}

/**
 * The paths that changed at or under `paths` (files or folders, which need not be there yet), in bursts. Folders named
 * `.millrace` and temporary files are passed over. Errors of the system's watcher end it.
 */
export const watchPaths = (
  paths: readonly string[],
  options: WatchOptions = {},
): Observable<readonly string[]> =>
  new Observable(subscriber => {
    const quietMs = options.quietMs ?? 300;
    const changed = new Set<string>();
    let timer: NodeJS.Timeout | undefined;
    const tell = (): void => {
      timer = undefined;
      const burst = [...changed].sort();
      changed.clear();
      subscriber.next(burst);
    };
    const note = (path: string): void => {
      const wanted = paths.some(p => path === p || path.startsWith(`${p}/`));
      if (!wanted || /(^|\/)(\.millrace|\.git|node_modules)(\/|$)|\.tmp\b/.test(path)) return;
      changed.add(path);
      clearTimeout(timer);
      timer = setTimeout(tell, quietMs);
    };
    const watchers: FSWatcher[] = [];
    for (const folder of new Set(paths.map(nearestFolder))) {
      const watcher = watch(folder, { recursive: true }, (_event, name) => {
        if (name !== null) note(join(folder, name));
      });
      watcher.on('error', error => subscriber.error(error));
      watchers.push(watcher);
    }
    return () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    };
  });
