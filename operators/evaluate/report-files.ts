/** Writes a report as JSON and its plots as SVG beside it; they appear together when published. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Json, type Report, UserError } from '../../src/define/index.ts';
import { asideOf, holds, type Seal, sweepAside, syncFolder } from '../../src/state/durable.ts';

type Written = { readonly from: string; readonly to: string } & Seal;

export class ReportFiles {
  readonly #path: string;
  #written: Written[] = [];

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
    await sweepAside(to);
    const from = asideOf(to);
    const bytes = Buffer.from(text);
    this.#written.push({ from, to, bytes: bytes.length, crc: crc32(bytes) });
    const file = await open(from, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async remove(): Promise<void> {
    for (const { from } of this.#written) await rm(from, { force: true });
  }
}

/**
 * Renames what was written into place; a file that is in place already was published before.
 * @throws UserError where a prepared file is gone and its place holds something else
 */
export async function publishReport(token: Json): Promise<void> {
  const files = (token ?? []) as unknown as Written[];
  for (const { from, to, ...seal } of files) {
    try {
      await rename(from, to);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      if (await holds(to, seal)) continue;
      throw new UserError(`${to}: the prepared report ${from} is gone, and was not published`, {
        help: 'run again with --full: everything is made anew',
        cause,
      });
    }
  }
  for (const folder of new Set(files.map(f => dirname(f.to)))) await syncFolder(folder);
}
