/** Batches on disk for a while: each as one Arrow message behind its length, written and read in order. */
import { type FileHandle, open } from 'node:fs/promises';
import type { RecordBatch } from 'apache-arrow';
import { decodeBatch, encodeBatch } from '../../src/arrow/index.ts';

export class SpillWriter {
  readonly path: string;
  readonly #file: FileHandle;
  bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }
  static async create(path: string): Promise<SpillWriter> {
    return new SpillWriter(path, await open(path, 'w'));
  }
  async write(batch: RecordBatch): Promise<void> {
    const message = new Uint8Array(encodeBatch(batch));
    const framed = new Uint8Array(4 + message.length);
    new DataView(framed.buffer).setUint32(0, message.length, true);
    framed.set(message, 4);
    await this.#file.writeFile(framed);
    this.bytes += framed.length;
  }
  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The batches of a file, one at a time. */
export async function* readSpill(path: string): AsyncGenerator<RecordBatch> {
  const file = await open(path, 'r');
  try {
    const head = new Uint8Array(4);
    for (;;) {
      const { bytesRead } = await file.read(head, 0, 4, null);
      if (bytesRead === 0) return;
      const length = new DataView(head.buffer).getUint32(0, true);
      const message = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        const { bytesRead: n } = await file.read(message, at, length - at, null);
        if (n === 0) throw new Error(`${path}: ends inside a batch`);
        at += n;
      }
      yield decodeBatch(message);
    }
  } finally {
    await file.close();
  }
}
