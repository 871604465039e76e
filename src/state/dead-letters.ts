/**
 * Rows that could not be processed, kept whole: as Arrow, with key, step, fingerprint, error and time. One file a step
 * and run: Arrow streams of one batch with their checksums, one behind the other, so a file can be read however it ends.
 */
import { appendFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type RecordBatch, RecordBatchReader, Schema } from 'apache-arrow';
import {
  batchFromRows,
  batchOf,
  concatBatches,
  encodeBatch,
  rowsOf,
  selectColumns,
  sliceRows,
  utf8,
  utf8Data,
} from '../arrow/index.ts';
import { UserError } from '../define/index.ts';
import { writeWhole } from './durable.ts';
import { refuseNewer, stateError } from './errors.ts';
import { faultPoint } from './fault.ts';

export interface DeadLetter {
  readonly step: string;
  readonly fingerprint: string;
  /** The row's key, or file and line. */
  readonly where: string;
  readonly message: string;
  readonly time: string;
  /** The row as it came into the step. */
  readonly row?: RecordBatch;
  /** The record's text, where it never became a row. */
  readonly record?: string;
  /** The source row it comes from, so that it can be done again; absent behind steps that keep state. */
  readonly root?: { readonly source: string; readonly id: number };
}

/** A letter on disk. */
export interface KeptLetter extends DeadLetter {
  /** Names it in lists: run, step and number. */
  readonly id: string;
}

const META = ['step', 'fingerprint', 'where', 'message', 'time', 'root'] as const;
const COLUMNS = Object.fromEntries(META.map(name => [`__${name}`, utf8()]));
/** The column of records that never became rows. */
const RECORD = '__record';
const RECORDS = { [RECORD]: utf8() };
/** Letters that are put into one Arrow batch at most. */
const MOST_TOGETHER = 4096;
/** Bytes that may wait to be written before whoever makes letters has to. */
const MOST_WAITING = 1 << 20;

const MAGIC = Buffer.from('MRL1');
const HEAD_BYTES = 16;

/** Behind a head: magic, length, and CRCs of what follows and of the head. */
function framed(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(bytes.length, 4);
  head.writeUInt32LE(crc32(bytes), 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  return Buffer.concat([head, bytes]);
}

/** Letters whose rows have the same columns, as one Arrow stream: their own columns stand before the rows'. */
function encode(letters: readonly DeadLetter[]): Uint8Array {
  const texts = letters.map(l => ({ ...l, root: l.root ? JSON.stringify(l.root) : null }));
  const meta = META.map(name => utf8Data(texts.map(t => t[name])));
  const rows = letters.flatMap(l => l.row ?? []);
  const row =
    rows.length > 0
      ? concatBatches(rows)
      : batchFromRows(
          RECORDS,
          letters.map(l => ({ [RECORD]: l.record ?? '' })),
        );
  const fields = [...batchFromRows(COLUMNS, []).schema.fields, ...row.schema.fields];
  return framed(
    new Uint8Array(encodeBatch(batchOf(new Schema(fields), letters.length, [...meta, ...row.data.children]))),
  );
}

const columnsOf = ({ row }: DeadLetter): string =>
  row === undefined ? '' : row.schema.fields.map(f => `${f.name}:${f.type}:${f.nullable}`).join(', ');

/** Letters in pieces that {@link encode} takes, in order. */
class Pieces {
  #columns = '';
  #letters: DeadLetter[] = [];

  /** A piece that is whole, where the letter begins another. */
  add(letter: DeadLetter): Uint8Array | undefined {
    const columns = columnsOf(letter);
    const whole =
      this.#letters.length === MOST_TOGETHER || columns !== this.#columns ? this.end() : undefined;
    this.#columns = columns;
    this.#letters.push(letter);
    return whole;
  }
  end(): Uint8Array | undefined {
    if (this.#letters.length === 0) return undefined;
    const bytes = encode(this.#letters);
    this.#letters = [];
    return bytes;
  }
}

export class DeadLetterBox {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: unknown;

  /** @param folder of the run: `.millrace/<pipeline>/dead-letters/<run>` */
  constructor(folder: string) {
    this.#folder = folder;
  }
  /**
   * Takes letters to be written. Gives a promise where many wait: it resolves, never rejects, once they are written.
   * @throws the first error of writing
   */
  add(letters: readonly DeadLetter[]): Promise<void> | undefined {
    if (this.#failure) throw this.#failure;
    const byStep = new Map<string, DeadLetter[]>();
    for (const letter of letters) {
      const some = byStep.get(letter.step);
      if (some) some.push(letter);
      else byStep.set(letter.step, [letter]);
    }
    for (const [step, some] of byStep) {
      const pieces = new Pieces();
      for (const letter of some) this.#append(step, pieces.add(letter));
      this.#append(step, pieces.end());
    }
    return this.#waiting > MOST_WAITING ? this.#writing : undefined;
  }
  #append(step: string, bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    this.#waiting += bytes.length;
    this.#writing = this.#writing
      .then(async () => {
        if (this.#failure) return;
        faultPoint('dead-letters');
        await mkdir(this.#folder, { recursive: true });
        await appendFile(join(this.#folder, fileOf(step)), bytes);
      })
      .catch(error => {
        this.#failure ??= stateError(this.#folder, error);
      })
      .finally(() => {
        this.#waiting -= bytes.length;
      });
  }
  /** Forgets the letters of steps that are to work on all their rows again. */
  async drop(steps: readonly string[]): Promise<void> {
    await this.settle();
    for (const step of steps) await rm(join(this.#folder, fileOf(step)), { force: true });
  }
  /** Waits until everything is written. @throws the first error of writing. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure;
  }
}

const fileOf = (step: string): string => `${encodeURIComponent(step)}.arrow`;

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** The letters of a batch, one at a time. */
function* lettersIn(batch: RecordBatch): Generator<DeadLetter> {
  const names = batch.schema.fields.map(f => f.name);
  const isRecord = names[META.length] === RECORD;
  const own = rowsOf(selectColumns(batch, isRecord ? names : names.slice(0, META.length)));
  const rows = isRecord ? undefined : selectColumns(batch, names.slice(META.length));
  for (const [i, meta] of (own as Record<string, string>[]).entries()) {
    yield {
      step: meta.__step,
      fingerprint: meta.__fingerprint,
      where: meta.__where,
      message: meta.__message,
      time: meta.__time,
      root: meta.__root ? (JSON.parse(meta.__root) as DeadLetter['root']) : undefined,
      row: rows && sliceRows(rows, i, i + 1),
      record: isRecord ? meta[RECORD] : undefined,
    };
  }
}

/** The Arrow streams of a file, in order. What a crash left unfinished at its end is passed over. */
async function* streamsOf(path: string): AsyncGenerator<Buffer> {
  const broken = (why: string): UserError =>
    new UserError(`${path}: these dead letters cannot be read: ${why}`, {
      help: 'the file is damaged: remove it; its rows come again with --full',
    });
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    for (let at = 0; at + HEAD_BYTES <= size; ) {
      const head = Buffer.alloc(HEAD_BYTES);
      await file.read(head, 0, HEAD_BYTES, at);
      refuseNewer(path, head.subarray(0, 4), MAGIC);
      if (!head.subarray(0, 4).equals(MAGIC) || head.readUInt32LE(12) !== crc32(head.subarray(0, 12)))
        throw broken('not a file of dead letters, or a damaged one');
      const length = head.readUInt32LE(4);
      if (at + HEAD_BYTES + length > size) return;
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, at + HEAD_BYTES);
      if (crc32(bytes) !== head.readUInt32LE(8)) throw broken('a checksum does not hold');
      yield bytes;
      at += HEAD_BYTES + length;
    }
  } finally {
    await file.close();
  }
}

/** The letters of a file, in order. */
async function* lettersOf(path: string): AsyncGenerator<DeadLetter> {
  for await (const bytes of streamsOf(path))
    for (const batch of RecordBatchReader.from(bytes)) yield* lettersIn(batch);
}

/** The letters of a run's folder, in order a step. */
export async function* readDeadLetters(folder: string): AsyncGenerator<DeadLetter> {
  for (const name of await namesIn(folder)) if (name.endsWith('.arrow')) yield* lettersOf(join(folder, name));
}

/**
 * The letters of all runs of a pipeline, oldest first, as they are read.
 * @param folder the pipeline's state folder
 */
export async function* listDeadLetters(folder: string): AsyncGenerator<KeptLetter> {
  const root = join(folder, 'dead-letters');
  for (const run of await namesIn(root)) {
    const counts = new Map<string, number>();
    for await (const letter of readDeadLetters(join(root, run))) {
      const n = counts.get(letter.step) ?? 0;
      counts.set(letter.step, n + 1);
      yield { ...letter, id: `${run}/${letter.step}/${n}` };
    }
  }
}

/** How many letters all runs of a pipeline have left, without their rows being read. @param folder its state folder */
export async function countDeadLetters(folder: string): Promise<number> {
  const root = join(folder, 'dead-letters');
  let all = 0;
  for (const run of await namesIn(root))
    for (const name of await namesIn(join(root, run)))
      for await (const bytes of streamsOf(join(root, run, name)))
        for (const batch of RecordBatchReader.from(bytes)) all += batch.numRows;
  return all;
}

/** Takes letters off the list: rows that went through since. Gives how many went. */
export async function removeDeadLetters(
  folder: string,
  gone: (letter: DeadLetter, run: string) => boolean,
): Promise<number> {
  const root = join(folder, 'dead-letters');
  faultPoint('letters-gone');
  let removed = 0;
  for (const run of await namesIn(root)) {
    for (const name of await namesIn(join(root, run))) {
      const path = join(root, run, name);
      let going = 0;
      let staying = 0;
      for await (const letter of lettersOf(path)) {
        if (gone(letter, run)) going++;
        else staying++;
      }
      removed += going;
      if (staying === 0) await rm(path, { force: true });
      else if (going > 0)
        await writeWhole(
          path,
          rewritten(path, letter => !gone(letter, run)),
        );
    }
    if ((await namesIn(join(root, run))).length === 0) await rm(join(root, run), { recursive: true });
  }
  return removed;
}

async function* rewritten(path: string, stays: (letter: DeadLetter) => boolean): AsyncGenerator<Uint8Array> {
  const pieces = new Pieces();
  for await (const letter of lettersOf(path)) {
    const whole = stays(letter) ? pieces.add(letter) : undefined;
    if (whole) yield whole;
  }
  const last = pieces.end();
  if (last) yield last;
}
