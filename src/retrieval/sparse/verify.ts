import * as fs from 'node:fs';
import * as path from 'node:path';
import { IndexError } from './errors.ts';
import { CURRENT, generations, type Manifest, manifestName, readCurrent, readManifest } from './manifest.ts';
import { SectionFile } from './section-file.ts';
import { SEGMENT_KIND } from './segment-writer.ts';
import { Tombstones } from './tombstones.ts';

export interface VerifyProblem {
  /** The file's path. */
  file: string;
  code: string;
  message: string;
}

export interface VerifyReport {
  ok: boolean;
  /** Generations looked at: every one whose manifest is there. */
  generations: number[];
  files: number;
  bytes: number;
  problems: VerifyProblem[];
}

/**
 * Reads every file of every generation in the folder and recomputes its checksums. Problems are listed,
 * each with its file; nothing is changed. Throws IndexError 'missing' where there is no index.
 */
export async function verify(dir: string): Promise<VerifyReport> {
  if (!fs.existsSync(path.join(dir, CURRENT))) {
    throw new IndexError('missing', `${dir}: no index was published here`, dir);
  }
  const report: VerifyReport = { ok: true, generations: generations(dir), files: 0, bytes: 0, problems: [] };
  const check = (file: string, look: () => void): void => {
    report.files++;
    try {
      report.bytes += fs.statSync(file).size;
      look();
    } catch (error) {
      const code = error instanceof IndexError ? error.code : 'missing';
      report.problems.push({ file, code, message: (error as Error).message });
    }
  };
  let live: number | undefined;
  check(path.join(dir, CURRENT), () => {
    live = readCurrent(dir)?.generation;
  });
  if (live !== undefined && !report.generations.includes(live)) report.generations.push(live);
  const seen = new Set<string>();
  for (const generation of report.generations) {
    let manifest: Manifest | undefined;
    check(path.join(dir, manifestName(generation)), () => {
      manifest = readManifest(dir, generation);
    });
    for (const entry of manifest?.segments ?? []) {
      if (!seen.has(entry.file)) {
        seen.add(entry.file);
        check(path.join(dir, entry.file), () => verifySections(path.join(dir, entry.file), entry.bytes));
      }
      const { tombstones } = entry;
      if (tombstones !== undefined && !seen.has(tombstones.file)) {
        seen.add(tombstones.file);
        check(path.join(dir, tombstones.file), () => Tombstones.verify(path.join(dir, tombstones.file)));
      }
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  report.ok = report.problems.length === 0;
  return report;
}

function verifySections(file: string, bytes: number): void {
  const sections = new SectionFile(file, SEGMENT_KIND);
  try {
    if (sections.length !== bytes) {
      throw new IndexError(
        'corrupt',
        `${file}: is ${sections.length} bytes long, the manifest says ${bytes}`,
        file,
      );
    }
    sections.verify();
  } finally {
    sections.close();
  }
}
