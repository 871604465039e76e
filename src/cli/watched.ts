/** What a plan reads: the paths to watch, and whether anything there is another than it was. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plan, PlannedStep } from '../plan/types.ts';

const isPattern = (text: string): boolean => /[*?[\]{}]|[!@+]\(/.test(text);

export class WatchedFiles {
  /** Files and folders, absolute. */
  readonly paths: readonly string[];
  /** Folders of `paths` of which only what lies in them directly counts. */
  readonly shallow: ReadonlySet<string>;
  readonly #files: readonly string[];
  readonly #patterns: readonly string[];

  private constructor(files: ReadonlySet<string>, patterns: readonly string[]) {
    this.#files = [...files].sort();
    this.#patterns = patterns;
    const shallow = new Set<string>();
    const deep = new Set(files);
    for (const pattern of patterns) {
      const parts = pattern.split('/');
      const first = parts.findIndex(isPattern);
      const base = parts.slice(0, first).join('/') || '/';
      (first === parts.length - 1 ? shallow : deep).add(base);
    }
    for (const path of deep) shallow.delete(path);
    this.shallow = shallow;
    this.paths = [...new Set([...deep, ...shallow])].sort();
  }

  /** Files of sources, files and indexes that other steps read, assets, and own operators; none that the plan writes. */
  static async of(plan: Plan, file: string): Promise<WatchedFiles> {
    const { markedValues } = await import('../plan/schema.ts');
    const steps = plan.flows.flatMap(f => f.steps);
    const places = (step: PlannedStep, location: 'read' | 'write'): string[] =>
      markedValues(step.op.params, step.params).flatMap(({ value, mark }) =>
        mark.location === location
          ? [value].flat().flatMap(v => (typeof v === 'string' ? [resolve(plan.root, v)] : []))
          : [],
      );
    const written = steps.flatMap(s => places(s, 'write'));
    const ctx = { root: plan.root, path: (p: string) => resolve(plan.root, p) };
    const read = steps.flatMap(s => [
      ...places(s, 'read'),
      ...(s.op.assets?.(s.params, ctx) ?? []).map(ctx.path),
      ...(s.op.module?.startsWith('file:') ? [fileURLToPath(s.op.module)] : []),
    ]);
    // what stands under a name is that, whatever the name looks like
    const isThere = await Promise.all(read.map(path => stat(path).catch(() => undefined)));
    const files = new Set([file]);
    const patterns = new Set<string>();
    for (const [i, path] of read.entries()) {
      if (written.some(w => path === w || path.startsWith(`${w}/`))) continue;
      if (isThere[i] === undefined && isPattern(path)) patterns.add(path);
      else files.add(path);
    }
    return new WatchedFiles(files, [...patterns].sort());
  }

  /** Names, sizes and times of all files there are now: another text where something changed. */
  async state(): Promise<string> {
    const { glob } = await import('tinyglobby');
    const found = await Promise.all(
      this.#patterns.map(pattern =>
        glob(pattern, { absolute: true, onlyFiles: true, expandDirectories: false }),
      ),
    );
    const all = [...this.#files, ...found.flat().sort()];
    return (await Promise.all(all.map(signatureOf))).join('\n');
  }
}

async function signatureOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return `${path} -`;
  if (!info.isDirectory()) return `${path} ${info.ino} ${info.size} ${info.mtimeMs}`;
  const names = (await readdir(path).catch(() => [])).filter(n => !n.startsWith('.')).sort();
  return (await Promise.all(names.map(name => signatureOf(join(path, name))))).join('\n');
}
