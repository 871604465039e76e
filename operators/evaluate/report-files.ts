/** Writes a report as JSON and its plots as SVG beside it; they appear together when published. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import type { Json, Report } from '../../src/define/index.ts';

export class ReportFiles {
  readonly #path: string;
  #written: { from: string; to: string }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes the files under temporary names; gives what {@link publishReport} takes. */
  async write(report: Report): Promise<Json> {
    const { dir, name } = parse(this.#path);
    await mkdir(dir, { recursive: true });
    await this.#put(this.#path, `${JSON.stringify(report.data, null, 2)}\n`);
    for (const [plot, svg] of Object.entries(report.plots ?? {}))
      await this.#put(join(dir, `${name}.${plot}.svg`), svg);
    return this.#written;
  }

  async #put(to: string, text: string): Promise<void> {
    const from = `${to}.${process.pid}.tmp`;
    this.#written.push({ from, to });
    const file = await open(from, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async remove(): Promise<void> {
    for (const { from } of this.#written) await rm(from, { force: true });
  }
}

/** Renames what was written into place; a file that is in place already was published before. */
export async function publishReport(token: Json): Promise<void> {
  const files = (token ?? []) as unknown as { from: string; to: string }[];
  for (const { from, to } of files) {
    await rename(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  const folders = new Set(files.map(f => dirname(f.to)));
  for (const folder of folders) {
    const handle = await open(folder, 'r');
    await handle.sync().catch(() => undefined);
    await handle.close();
  }
}
