/** Reads every file of an index and says what is damaged, and which generations that concerns. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { IndexError } from '../sparse/errors.ts';
import {
  type AnyManifest,
  CURRENT,
  checkPart,
  type Generations,
  generations,
  manifestName,
} from './generations.ts';

export interface VerifyProblem {
  /** The file's path. */
  file: string;
  code: string;
  message: string;
  /** Generations that need the file; CURRENT is no generation's. */
  generations: number[];
}

export interface VerifyReport {
  ok: boolean;
  /** Generations looked at: every one whose manifest is there. */
  generations: number[];
  /** The one that searches read; absent where CURRENT cannot be read. */
  live?: number;
  /** The one that `rollback` goes back to, where there is one. */
  previous?: number;
  /** Generations that need a damaged file. */
  damaged: number[];
  files: number;
  bytes: number;
  problems: VerifyProblem[];
}

/**
 * Reads every file of every generation in the folder and recomputes its checksums. Problems are listed, each with its
 * file; nothing is changed. Throws IndexError 'missing' where there is no index.
 */
export async function verifyGenerations<M extends AnyManifest>(
  dir: string,
  kind: Generations<M>,
): Promise<VerifyReport> {
  if (!fs.existsSync(path.join(dir, CURRENT)))
    throw new IndexError('missing', `${dir}: no index was published here`, dir);
  const report: VerifyReport = {
    ok: true,
    generations: generations(dir),
    damaged: [],
    files: 0,
    bytes: 0,
    problems: [],
  };
  const seen = new Map<string, VerifyProblem | undefined>();
  const look = (name: string, check: () => void, generation?: number): void => {
    if (!seen.has(name)) seen.set(name, found(name, check));
    const problem = seen.get(name);
    if (problem === undefined || generation === undefined) return;
    problem.generations.push(generation);
    if (!report.damaged.includes(generation)) report.damaged.push(generation);
  };
  const found = (name: string, check: () => void): VerifyProblem | undefined => {
    const file = path.join(dir, name);
    report.files++;
    try {
      report.bytes += fs.statSync(file).size;
      check();
      return undefined;
    } catch (error) {
      const code = error instanceof IndexError ? error.code : 'missing';
      const problem = { file, code, message: (error as Error).message, generations: [] };
      report.problems.push(problem);
      return problem;
    }
  };
  look(CURRENT, () => {
    const current = kind.readCurrent(dir);
    report.live = current?.generation;
    if (typeof current?.previous === 'number') report.previous = current.previous;
  });
  const { live } = report;
  if (live !== undefined && !report.generations.includes(live)) report.generations.push(live);
  for (const generation of report.generations) {
    let manifest: M | undefined;
    look(
      manifestName(generation),
      () => {
        manifest = kind.read(dir, generation);
      },
      generation,
    );
    for (const part of manifest === undefined ? [] : kind.partsOf(manifest)) {
      look(part.file, () => checkPart(dir, part), generation);
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  report.ok = report.problems.length === 0;
  return report;
}
