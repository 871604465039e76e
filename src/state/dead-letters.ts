/**
 * Rows that could not be processed, kept whole: as Arrow, with key, step, fingerprint, error and time. One file a step
 * and run; each entry is an Arrow stream of one row (or of a record's text), so a file can be read however it ends.
 */
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RecordBatch, RecordBatchReader, Schema } from 'apache-arrow';
import { batchFromRows, batchOf, encodeBatch, rowsOf, utf8, utf8Data } from '../arrow/index.ts';

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
}

const META = ['step', 'fingerprint', 'where', 'message', 'time'] as const;

// the letter's own columns stand before the row's, under names no row has
function encode(letter: DeadLetter): Uint8Array {
  const meta = META.map(name => utf8Data([letter[name]]));
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
        const [meta] = rowsOf(batch) as [Record<string, string>];
        const fields = batch.schema.fields.slice(META.length);
        const row = batchOf(new Schema(fields), batch.numRows, batch.data.children.slice(META.length));
        const record = fields.length === 1 && fields[0].name === 'record' ? meta.record : undefined;
        letters.push({
          step: meta.__step,
          fingerprint: meta.__fingerprint,
          where: meta.__where,
          message: meta.__message,
          time: meta.__time,
          row: record === undefined ? row : undefined,
          record,
        });
      }
    }
  }
  return letters;
}
