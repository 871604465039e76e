/** Where this package is, and how another project may name it. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The package's own folder, from the sources as from the compiled files. */
export function packageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  throw new Error(`no package.json above ${here}`);
}

export const packageVersion = (): string => readManifest(packageFolder()).version ?? 'unknown';

/** Whether this copy was installed by a package manager, and is no checkout. */
export const isInstalled = (): boolean => basename(dirname(packageFolder())) === 'node_modules';

/**
 * How a project in `folder` says that it depends on this package: as the project that installed this copy says it, a
 * `file:` path for a checkout.
 */
export function dependencyFor(folder: string): string {
  const own = packageFolder();
  const local = (path: string): string => `file:${(relative(folder, path) || '.').replaceAll('\\', '/')}`;
  if (!isInstalled()) return local(own);
  const owner = dirname(dirname(own));
  const fallback = `^${packageVersion()}`;
  if (!existsSync(join(owner, 'package.json'))) return fallback;
  const { dependencies, devDependencies } = readManifest(owner);
  const spec = dependencies?.millrace ?? devDependencies?.millrace ?? fallback;
  return spec.startsWith('file:') ? local(resolve(owner, spec.slice('file:'.length))) : spec;
}

/** Whether `npx millrace` in a folder finds a command without installing anything: npx looks upwards. */
export function commandIsNear(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', '.bin', 'millrace'))) return true;
    if (dirname(at) === at) return false;
  }
}
