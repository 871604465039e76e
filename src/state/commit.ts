/**
 * The one switch of a flow: a record that names what every sink has made ready and the ledger changes that go with
 * it. Sinks prepare immutable files; the record is written, synced and renamed into place; only then does each sink
 * publish and the ledger follow. A crash before the record leaves the old state; after it, the next run (`recover`)
 * does what the record names, which is idempotent.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type EngineOperator, type Json, type Params, type PlanContext, UserError } from '../define/index.ts';
import { writeWhole } from './durable.ts';
import { RefusedError, stateError, withState } from './errors.ts';
import { faultPoint } from './fault.ts';

/** The format of {@link CommitFile}; raised when an older reader would misread it. */
export const COMMIT_FORMAT = 3;

export interface CommittedSink {
  readonly step: string;
  readonly op: string;
  /** Parameters without secrets: what `publish` needs to find its place. */
  readonly params: Params;
  readonly token: Json;
  /** In a commit in the middle of a run: what was published then, or null. */
  readonly base?: Json;
}

/** Changes of the ledger that go with a commit. */
export interface LedgerChanges {
  /** Name of the journal file in the state folder. */
  readonly journal: string;
  /** Slots whose steps start anew. */
  readonly clear: readonly number[];
  /** Slots of streams that saw all rows anew. */
  readonly again?: readonly number[];
  /** JSON by name. */
  readonly meta: Readonly<Record<string, Json>>;
}

/** The last commit of one flow. */
export interface CommitRecord {
  readonly id: string;
  readonly time: string;
  readonly sinks: readonly CommittedSink[];
  /** Where each source stood. */
  readonly positions: Readonly<Record<string, Json>>;
  /** What the ledger takes; absent where the run kept none. */
  readonly ledger?: LedgerChanges;
  /** The name of the flow before, whose record this one takes the place of. */
  readonly replaces?: string;
  /** A commit in the middle of a run: its tokens are kept by their sinks, not published. */
  readonly interim?: boolean;
  /** Of a run that remembers nothing: it goes once every sink has published. See {@link partName}. */
  readonly passing?: boolean;
  /** True once every sink has published and the ledger has followed. */
  readonly published: boolean;
}

/** The name of a record that leaves that of its flow, and with it the ledger, as it is. */
export const partName = (flow: string): string => `part of ${flow}`;

interface CommitFile {
  readonly format: number;
  /** Of `flows` as JSON without `published`; since format 3. */
  readonly crc?: number;
  /** By the flow's name. */
  readonly flows: Readonly<Record<string, CommitRecord>>;
}
// whether a record is published is no part of it: no flipped bit makes one of its two words the other
const crcOf = (flows: CommitFile['flows']): number =>
  crc32(JSON.stringify(flows, (name, value) => (name === 'published' ? undefined : value)));

const recordPath = (folder: string): string => join(folder, 'commit.json');

/** The last commits, by flow. @throws UserError on a newer format or a file that is not a record. */
export async function readCommits(folder: string): Promise<Readonly<Record<string, CommitRecord>>> {
  const path = recordPath(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw stateError(path, error);
  }
  let file: CommitFile;
  const broken = (why: string): UserError =>
    new RefusedError(`${path} is not a commit record: ${why}`, {
      help: 'restore it from a backup, or remove it: indexes keep their last committed generation, and the next run does everything',
    });
  try {
    file = JSON.parse(text) as CommitFile;
  } catch {
    throw broken('it is not JSON');
  }
  if (typeof file !== 'object' || file === null) throw broken('it is no object');
  if (typeof file.format !== 'number' || file.format > COMMIT_FORMAT) {
    throw new RefusedError(`${path} has format ${file.format}; this version reads up to ${COMMIT_FORMAT}`, {
      help: 'it was written by a newer Millrace: update this one',
    });
  }
  const { flows } = file;
  if (typeof flows !== 'object' || flows === null) throw broken('it names no flows');
  if (file.format >= 3 && file.crc !== crcOf(flows)) throw broken('its checksum does not hold');
  return flows;
}

async function writeRecord(folder: string, flow: string, record: CommitRecord): Promise<void> {
  const flows: Record<string, CommitRecord> = { ...(await readCommits(folder)), [flow]: record };
  if (record.passing && record.published) delete flows[flow];
  if (record.replaces !== undefined) delete flows[record.replaces];
  const text = JSON.stringify({ format: COMMIT_FORMAT, crc: crcOf(flows), flows } satisfies CommitFile);
  await withState(recordPath(folder), () => {
    faultPoint('record');
    return writeWhole(recordPath(folder), text);
  });
}

/** What follows a record: sinks publish, then the ledger takes the journal. */
export interface Followers {
  publish(sink: CommittedSink): void | Promise<void>;
  ledger(record: CommitRecord): void | Promise<void>;
  /** For a commit in the middle of a run, by the run itself. */
  keep?(sink: CommittedSink): void | Promise<void>;
}

/** Writes the record (the switch), has everything follow, and marks it as published. */
export async function commit(
  folder: string,
  flow: string,
  record: Omit<CommitRecord, 'published'>,
  followers: Followers,
): Promise<void> {
  const inMiddle = record.interim ? '-interim' : '';
  faultPoint(`before-record${inMiddle}`);
  await writeRecord(folder, flow, { ...record, published: false });
  faultPoint(`after-record${inMiddle}`);
  await follow(folder, flow, { ...record, published: false }, followers);
}

async function follow(
  folder: string,
  flow: string,
  record: CommitRecord,
  followers: Followers,
): Promise<void> {
  if (record.interim) for (const sink of record.sinks) await followers.keep?.(sink);
  for (const sink of record.interim ? [] : record.sinks) {
    await followers.publish(sink);
    faultPoint('after-publish');
  }
  await followers.ledger(record);
  faultPoint(record.interim ? 'after-ledger-interim' : 'after-ledger');
  await writeRecord(folder, flow, { ...record, published: true });
  faultPoint(record.interim ? 'after-commit-interim' : 'after-commit');
}

/**
 * Removes what killed runs have left in a state folder: journals that no record names, and scratch stores. Call it with
 * the lock, after {@link recover}.
 */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^(journal|scratch)-/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    if (/\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  }
}

/** Finishes commits that a crash cut short. Gives the flows it finished. */
export async function recover(
  folder: string,
  operators: ReadonlyMap<string, EngineOperator>,
  ctx: PlanContext,
  ledger: Followers['ledger'],
): Promise<string[]> {
  const finished: string[] = [];
  for (const [flow, record] of Object.entries(await readCommits(folder))) {
    if (record.published) continue;
    await follow(folder, flow, record, {
      publish: async sink => {
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
      },
      ledger,
    });
    finished.push(flow);
  }
  return finished;
}
