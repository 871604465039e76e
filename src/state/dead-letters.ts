/**
 * Rows that could not be processed, kept whole: as Arrow, with key, step, fingerprint, error and time. One file a step
 * and run; each entry is an Arrow stream of one row (or of a record's text), so a file can be read however it ends.
 */
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type RecordBatch, RecordBatchReader, Schema } from 'apache-arrow';
import { batchFromRows, batchOf, encodeBatch, rowsOf, utf8, utf8Data } from '../arrow/index.ts';
import { writeWhole } from './durable.ts';

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

// the letter's own columns stand before the row's, under names no row has
function encode(letter: DeadLetter): Uint8Array {
  const texts = { ...letter, root: letter.root ? JSON.stringify(letter.root) : null };
  const meta = META.map(name => utf8Data([texts[name]]));
  const row = letter.row ?? batchFromRows({ record: utf8() }, [{ record: letter.record ?? '' }]);
  const fields = [
    ...batchFromRows(Object.fromEntries(META.map(n => [`__${n}`, utf8()])), []).schema.fields,
    ...row.schema.fields,
  ];
  return new Uint8Array(encodeBatch(batchOf(new Schema(fields), 1, [...meta, ...row.data.children])));
}

export class DeadLetterBox {
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** @param folder of the run: `.millrace/<pipeline>/dead-letters/<run>` */
  constructor(folder: string) {
    this.#folder = folder;
  }
  add(letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return;
    const byStep = new Map<string, Uint8Array[]>();
    for (const letter of letters)
      byStep.set(letter.step, [...(byStep.get(letter.step) ?? []), encode(letter)]);
    this.#writing = this.#writing
      .then(async () => {
        await mkdir(this.#folder, { recursive: true });
        for (const [step, parts] of byStep) {
          await appendFile(join(this.#folder, `${encodeURIComponent(step)}.arrow`), Buffer.concat(parts));
        }
      })
      .catch(error => {
        this.#failure ??= error;
      });
  }
  /** Waits until everything is written. @throws the first error of writing. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure;
  }
}

/** The letters of a run's folder, in order a step. */
export async function readDeadLetters(folder: string): Promise<DeadLetter[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter(n => n.endsWith('.arrow')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const letters: DeadLetter[] = [];
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    for (const reader of RecordBatchReader.readAll(bytes)) {
      for (const batch of reader) {
        const [meta] = rowsOf(batch) as [Record<(typeof META)[number] | `__${string}` | 'record', string>];
        const fields = batch.schema.fields.slice(META.length);
        const row = batchOf(new Schema(fields), batch.numRows, batch.data.children.slice(META.length));
        const record = fields.length === 1 && fields[0].name === 'record' ? meta.record : undefined;
        letters.push({
          step: meta.__step,
          fingerprint: meta.__fingerprint,
          where: meta.__where,
          message: meta.__message,
          time: meta.__time,
          root: meta.__root ? (JSON.parse(meta.__root) as DeadLetter['root']) : undefined,
          row: record === undefined ? row : undefined,
          record,
        });
      }
    }
  }
  return letters;
}

/** The letters of all runs of a pipeline, oldest first. @param folder the pipeline's state folder */
export async function listDeadLetters(folder: string): Promise<KeptLetter[]> {
  const root = join(folder, 'dead-letters');
  const runs = (await readdir(root).catch(() => [] as string[])).sort();
  const all: KeptLetter[] = [];
  for (const run of runs) {
    const letters = await readDeadLetters(join(root, run));
    const counts = new Map<string, number>();
    for (const letter of letters) {
      const n = counts.get(letter.step) ?? 0;
      counts.set(letter.step, n + 1);
      all.push({ ...letter, id: `${run}/${letter.step}/${n}` });
    }
  }
  return all;
}

/** Takes letters off the list, by id: rows that went through since. */
export async function removeDeadLetters(
  folder: string,
  gone: (letter: KeptLetter) => boolean,
): Promise<number> {
  const all = await listDeadLetters(folder);
  const going = new Set(all.filter(gone).map(l => l.id));
  if (going.size === 0) return 0;
  const files = new Set([...going].map(id => id.slice(0, id.lastIndexOf('/'))));
  for (const file of files) {
    const at = file.indexOf('/');
    const run = join(folder, 'dead-letters', file.slice(0, at));
    const step = file.slice(at + 1);
    const left = all.filter(l => l.id.startsWith(`${file}/`) && !going.has(l.id));
    const path = join(run, `${encodeURIComponent(step)}.arrow`);
    if (left.length > 0) await writeWhole(path, Buffer.concat(left.map(encode)));
    else await rm(path, { force: true });
    if ((await readdir(run)).length === 0) await rm(run, { recursive: true });
  }
  return going.size;
}
