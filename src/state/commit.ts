/**
 * The one switch of a run: a record that names what every sink has made ready. Sinks prepare immutable files; the
 * record is written, synced and renamed into place; only then does each sink publish. A crash before the record
 * leaves the old state; after it, the next run (or `recover`) publishes what the record names, which is idempotent.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineOperator, type Json, type Params, type PlanContext, UserError } from '../define/index.ts';
import { writeWhole } from './durable.ts';

/** The format of {@link CommitRecord}; raised when an older reader would misread it. */
export const COMMIT_FORMAT = 1;

export interface CommittedSink {
  readonly step: string;
  readonly op: string;
  /** Parameters without secrets: what `publish` needs to find its place. */
  readonly params: Params;
  readonly token: Json;
}

export interface CommitRecord {
  readonly format: number;
  readonly id: string;
  readonly time: string;
  readonly sinks: readonly CommittedSink[];
  /** Where each source stood. */
  readonly positions: Readonly<Record<string, Json>>;
  /** True once every sink has published. */
  readonly published: boolean;
}

/** The folder of a pipeline's state. */
export const stateFolderOf = (root: string, pipeline: string): string =>
  join(root, '.millrace', pipeline.replace(/[^\p{L}\p{N}._-]/gu, '_'));

const recordPath = (folder: string): string => join(folder, 'commit.json');

/** The last commit, or undefined. @throws UserError on a newer format or a file that is not a record. */
export async function readCommit(folder: string): Promise<CommitRecord | undefined> {
  const path = recordPath(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let record: CommitRecord;
  try {
    record = JSON.parse(text) as CommitRecord;
  } catch {
    throw new UserError(`${path} is not a commit record: it is not JSON`, {
      help: 'restore it from a backup, or remove it: indexes keep their last committed generation',
    });
  }
  if (typeof record.format !== 'number' || record.format > COMMIT_FORMAT) {
    throw new UserError(`${path} has format ${record.format}; this version reads up to ${COMMIT_FORMAT}`, {
      help: 'it was written by a newer Millrace: update this one',
    });
  }
  return record;
}

/** Writes the record (the switch), has every sink publish, and marks it as published. */
export async function commit(
  folder: string,
  record: Omit<CommitRecord, 'format' | 'published'>,
  publish: (sink: CommittedSink) => void | Promise<void>,
  fault: (point: string) => void = faultPoint,
): Promise<void> {
  fault('before-record');
  await writeWhole(
    recordPath(folder),
    JSON.stringify({ format: COMMIT_FORMAT, ...record, published: false }),
  );
  fault('after-record');
  for (const sink of record.sinks) {
    await publish(sink);
    fault('after-publish');
  }
  await writeWhole(recordPath(folder), JSON.stringify({ format: COMMIT_FORMAT, ...record, published: true }));
  fault('after-commit');
}

/** Finishes a commit that a crash cut short. Gives the record it finished, or undefined where there was none. */
export async function recover(
  folder: string,
  operators: ReadonlyMap<string, EngineOperator>,
  ctx: PlanContext,
): Promise<CommitRecord | undefined> {
  const record = await readCommit(folder);
  if (!record || record.published) return undefined;
  for (const sink of record.sinks) {
    const op = operators.get(sink.op);
    if (op?.shape !== 'sink') {
      throw new UserError(
        `the last run was cut short while it published step "${sink.step}", but there is no sink ${sink.op} now`,
        {
          help: 'put the operator back for one run, or remove the pipeline from .millrace/ and run it in full',
        },
      );
    }
    await op.publish?.(sink.params, sink.token, ctx);
  }
  await writeWhole(recordPath(folder), JSON.stringify({ ...record, published: true }));
  return record;
}

/**
 * A named place where tests end the process as a crash would: `MILLRACE_FAULT=after-record`. Nothing otherwise.
 */
export function faultPoint(point: string): void {
  if (process.env.MILLRACE_FAULT === point) process.kill(process.pid, 'SIGKILL');
}
