/** Plots of evaluations as files. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, parse, relative, resolve } from 'node:path';
import type { Report } from '../define/index.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';

/** A file's name of any text. */
export const fileName = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._@=,-]+/gu, '-')
    .replace(/^[-.]+|-+$/g, '') || 'plot';

/** Writes SVGs into a folder that it makes; gives their paths by name, relative to `root` where they lie in it. */
export async function writePlots(
  folder: string,
  root: string,
  plots: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const written: Record<string, string> = {};
  const target = resolve(root, folder);
  for (const [name, svg] of Object.entries(plots)) {
    await mkdir(target, { recursive: true });
    const path = join(target, `${fileName(name)}.svg`);
    await writeFile(path, svg);
    const short = relative(root, path);
    written[name] = short.startsWith('..') ? path : short;
  }
  return written;
}

/** Where a step has written a plot of its report itself: beside the report, at `path`. */
function besideReport(step: PlannedStep | undefined, plot: string, root: string): string | undefined {
  const path = step?.params.path;
  if (typeof path !== 'string') return undefined;
  const { dir, name } = parse(resolve(root, path));
  const file = join(dir, `${name}.${plot}.svg`);
  return existsSync(file) ? relative(root, file) : undefined;
}

/** Where the plots of some reports are, by `step-plot`; those that no step has written go into `out`/pipeline. */
export async function reportPlots(
  plan: Plan,
  reports: Readonly<Record<string, Report>>,
  out: string,
): Promise<Record<string, string>> {
  const steps = new Map(plan.flows.flatMap(f => f.steps).map(s => [s.id, s]));
  const there: Record<string, string> = {};
  const missing: Record<string, string> = {};
  for (const [id, report] of Object.entries(reports)) {
    for (const [plot, svg] of Object.entries(report.plots ?? {})) {
      const name = `${id}-${plot}`;
      const file = besideReport(steps.get(id), plot, plan.root);
      if (file === undefined) missing[name] = svg;
      else there[name] = file;
    }
  }
  return { ...there, ...(await writePlots(join(out, fileName(plan.name)), plan.root, missing)) };
}
