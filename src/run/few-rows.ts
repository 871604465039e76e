/**
 * Puts together what little is left of pieces of a source of which most rows are as they were: ten rows of each of a
 * hundred files are a batch to the steps behind, not a hundred.
 */
import type { RecordBatch } from 'apache-arrow';
import { concatBatches, usedBytes } from '../arrow/index.ts';
import type { Outlet } from './outlet.ts';
import type { Ack, Packet } from './packet.ts';

/** Rows, bytes and pieces from which on they go on. */
const ROWS = 1000;
const BYTES = 1 << 20;
const PIECES = 1000;

export class FewRows {
  readonly #outlet: Outlet;
  #batches: RecordBatch[] = [];
  #acks: Ack[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Holds the rows of a piece until there are enough of them. Await what it gives. */
  add({ upserts, acks }: Packet): Promise<void> | undefined {
    this.#acks.push(...acks);
    if (upserts?.numRows) {
      this.#batches.push(upserts);
      this.#rows += upserts.numRows;
      this.#bytes += usedBytes(upserts);
    }
    const enough = this.#rows >= ROWS || this.#bytes >= BYTES || this.#acks.length >= PIECES;
    return enough ? this.flush() : undefined;
  }

  /** Sends what it holds, which must come before anything else. Await what it gives. */
  flush(): Promise<void> | undefined {
    const [batches, acks] = [this.#batches, this.#acks];
    if (acks.length === 0) return undefined;
    [this.#batches, this.#acks, this.#rows, this.#bytes] = [[], [], 0, 0];
    return this.#outlet.send({ upserts: batches.length ? concatBatches(batches) : undefined, acks });
  }
}
