/**
 * Cuts and joins batches before a step: by rows, bytes or (as a window to sort in) padded tokens. Never splits a run
 * of the `batchBy` columns; other rows it holds no longer than its linger.
 */
import type { RecordBatch } from 'apache-arrow';
import { columnData, concatBatches, hasColumn, sliceRows, usedBytes } from '../arrow/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { cutPoints, keyString } from './groups.ts';
import type { Ack, Packet } from './packet.ts';
import { tokenColumn, tokenLengths } from './tokens.ts';

/** Padded batches are cut from a window of this many budgets, sorted by length: more gains little, and waits longer. */
export const TOKEN_WINDOW = 16;

export class Rebatcher {
  readonly #step: PlannedStep;
  #batches: RecordBatch[] = [];
  #rows = 0;
  #bytes = 0;
  #tokens = 0;
  #acks: Ack[] = [];
  #gone: RecordBatch[] = [];
  /** When the oldest row it holds came in (performance.now()), or undefined where it holds none. */
  since: number | undefined;

  constructor(step: PlannedStep) {
    this.#step = step;
  }
  /** Rows it holds. */
  get held(): number {
    return this.#rows;
  }

  #full(): boolean {
    const { rows, bytes, tokens } = this.#step.batch ?? {};
    return (
      (rows !== undefined && this.#rows >= rows) ||
      (bytes !== undefined && this.#bytes >= bytes) ||
      (tokens !== undefined && this.#tokens >= tokens * TOKEN_WINDOW) ||
      (rows === undefined && bytes === undefined && tokens === undefined)
    );
  }

  /** Takes a packet; gives the batches that are full by it. */
  push(packet: Packet): Packet[] {
    const out: Packet[] = [];
    if (packet.barrier) return [...this.flush(), packet];
    if (packet.deletes?.numRows) {
      // deletes come before the upserts of their packet and after what was there before it
      out.push(...this.flush(), { deletes: packet.deletes, acks: [] });
    }
    const batch = packet.upserts;
    // a run that the rows held so far and this batch share must come together again before anything is cut
    if (batch?.numRows) {
      this.#batches.push(batch);
      this.#rows += batch.numRows;
      this.#bytes += usedBytes(batch);
      if (this.#step.batch?.tokens) {
        for (const n of tokenLengths(batch, tokenColumn(this.#step, batch))) this.#tokens += n;
      }
      this.since ??= performance.now();
    }
    if (packet.gone) this.#gone.push(...packet.gone);
    this.#acks.push(...packet.acks);
    if (this.#rows === 0) {
      if (this.#acks.length || this.#gone.length) out.push(this.#pack(undefined, true));
    } else if (this.#full()) out.push(...this.#cut('full'));
    return out;
  }

  /** Gives what it holds, however little: at the end, or when its linger is over. */
  flush(): Packet[] {
    if (this.#rows === 0 && this.#acks.length === 0 && this.#gone.length === 0) return [];
    return this.#cut('all');
  }

  /**
   * What it holds when the linger is over, but for the last run of the `batchBy` columns, which may go on in the
   * next batch.
   */
  linger(): Packet[] {
    return this.#step.batchBy.length ? this.#cut('runs') : this.flush();
  }

  // `full`: full batches only; `runs`: all but the last run, which may go on; `all`: everything
  #cut(what: 'full' | 'runs' | 'all'): Packet[] {
    if (this.#rows === 0) return [this.#pack(undefined, true)];
    const all = concatBatches(this.#batches);
    const { rows, bytes, tokens } = this.#step.batch ?? {};
    const by = this.#step.batchBy;
    let size = rows ?? all.numRows;
    if (bytes !== undefined) {
      size = Math.max(1, Math.min(size, Math.floor((bytes * all.numRows) / Math.max(1, this.#bytes))));
    }
    if (tokens !== undefined && rows === undefined) size = all.numRows;
    const cuts = cutPoints(all, size, by);
    const out: Packet[] = [];
    let from = 0;
    let left: RecordBatch | undefined;
    for (const [i, to] of cuts.entries()) {
      const tail = i === cuts.length - 1;
      // the last piece waits for more, unless it is full; a run of batchBy columns may go on in the next batch
      if (tail && what !== 'all' && (by.length > 0 || (to - from < size && tokens === undefined))) {
        const keepFrom = by.length > 0 ? this.#lastRun(all, from, to, what === 'full' ? size : 0) : from;
        if (keepFrom > from) out.push(this.#pack(sliceRows(all, from, keepFrom), false));
        left = sliceRows(all, keepFrom, to);
      } else out.push(this.#pack(sliceRows(all, from, to), tail));
      from = to;
    }
    this.#batches = left ? [left] : [];
    this.#rows = left?.numRows ?? 0;
    this.#bytes = left ? usedBytes(left) : 0;
    this.#tokens = 0;
    if (left && tokens) for (const n of tokenLengths(left, tokenColumn(this.#step, left))) this.#tokens += n;
    this.since = left ? performance.now() : undefined;
    return out;
  }

  // the row at which the last run of the batchBy columns begins, if what is before it makes a batch
  #lastRun(all: RecordBatch, from: number, to: number, size: number): number {
    const datas = this.#step.batchBy.filter(c => hasColumn(all, c)).map(c => columnData(all, c));
    const key = keyString(datas, to - 1);
    let at = to - 1;
    while (at > from && keyString(datas, at - 1) === key) at--;
    const { rows, bytes } = this.#step.batch ?? {};
    const full = (rows === undefined && bytes === undefined) || at - from >= size || this.#rows >= size;
    return full ? at : from;
  }

  // acks and gone rows go with the last piece of what came in: the others hold it back by being before it
  #pack(upserts: RecordBatch | undefined, final: boolean): Packet {
    if (!final) {
      for (const ack of this.#acks) ack.retain();
      return { upserts, acks: [...this.#acks] };
    }
    const packet = { upserts, gone: this.#gone.length ? this.#gone : undefined, acks: this.#acks };
    this.#acks = [];
    this.#gone = [];
    return packet;
  }
}
