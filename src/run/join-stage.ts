/**
 * A stage of a `join`: brings the rows of several inputs together by key, in the order of the first. Inputs that
 * forked from one stream have their keys in one order, so a key is whole when each input has gone past it or says it
 * is gone; inputs in other orders are aligned in memory, up to the step's share.
 */
import type { Data, RecordBatch } from 'apache-arrow';
import {
  columnData,
  concatBatches,
  emptyBatch,
  hasColumn,
  retainedBytes,
  sliceRows,
} from '../arrow/index.ts';
import { breathe } from '../define/breathe.ts';
import { formatBytes, type JoinInstance, type OutputColumns } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { columnsToBatch } from './assemble.ts';
import { type Channel, END } from './channel.ts';
import { type RunContext, receive } from './context.ts';
import { StepError, stepError } from './errors.ts';
import { keyString } from './groups.ts';
import type { Outlet } from './outlet.ts';
import type { Ack, Packet } from './packet.ts';

/** Rows of one key: for each input its pieces, and whether no more will come. */
interface Entry {
  readonly pieces: RecordBatch[][];
  readonly done: boolean[];
  bytes: number;
}

/** Aligns inputs by key. Pure bookkeeping: the stage feeds it and takes what is whole. */
export class Aligner {
  readonly #on: readonly string[];
  readonly #inputs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #last: (string | undefined)[];
  readonly #ended: boolean[];
  /** Bytes of the rows that wait. */
  held = 0;

  constructor(inputs: number, on: readonly string[]) {
    this.#inputs = inputs;
    this.#on = on;
    this.#last = new Array(inputs).fill(undefined);
    this.#ended = new Array(inputs).fill(false);
  }
  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        pieces: Array.from({ length: this.#inputs }, () => []),
        done: new Array(this.#inputs).fill(false),
        bytes: 0,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }
  #key(batch: RecordBatch): Data[] {
    return this.#on.filter(c => hasColumn(batch, c)).map(c => columnData(batch, c));
  }
  /** Rows of an input; equal keys stand together. */
  rows(input: number, batch: RecordBatch): void {
    const datas = this.#key(batch);
    let start = 0;
    while (start < batch.numRows) {
      const key = keyString(datas, start);
      let end = start + 1;
      while (end < batch.numRows && keyString(datas, end) === key) end++;
      this.#past(input, key);
      const piece = sliceRows(batch, start, end);
      const entry = this.#entry(key);
      const bytes = Math.ceil((retainedBytes(batch) * (end - start)) / batch.numRows);
      entry.pieces[input].push(piece);
      entry.bytes += bytes;
      this.held += bytes;
      start = end;
    }
  }
  /** Keys that an input has no rows of. */
  gone(input: number, batch: RecordBatch): void {
    const datas = this.#key(batch);
    if (datas.length === 0) return;
    for (let row = 0; row < batch.numRows; row++) {
      const key = keyString(datas, row);
      // rows of the key may have come in this or an earlier batch, e.g. where one of several was dead-lettered
      this.#past(input, key);
      this.#entry(key).done[input] = true;
    }
  }
  #past(input: number, key: string): void {
    const last = this.#last[input];
    if (last !== undefined && last !== key) {
      const entry = this.#entries.get(last);
      if (entry) entry.done[input] = true;
    }
    this.#last[input] = key;
  }
  end(input: number): void {
    this.#ended[input] = true;
  }
  /** The input that the oldest key still waits for, or undefined where it is whole or nothing waits. */
  waitsFor(): number | undefined {
    for (const entry of this.#entries.values()) {
      for (let i = 0; i < this.#inputs; i++) if (!entry.done[i] && !this.#ended[i]) return i;
      return undefined;
    }
    return undefined;
  }
  /** Whole keys from the front. */
  *take(): Generator<{ key: string; pieces: RecordBatch[][] }> {
    for (const [key, entry] of this.#entries) {
      for (let i = 0; i < this.#inputs; i++) if (!entry.done[i] && !this.#ended[i]) return;
      this.#entries.delete(key);
      this.held -= entry.bytes;
      yield { key, pieces: entry.pieces };
    }
  }
  /** Keys that wait. */
  get size(): number {
    return this.#entries.size;
  }
}

export async function joinStage(
  step: PlannedStep,
  inputs: readonly Channel<Packet>[],
  instance: JoinInstance,
  outlet: Outlet,
  run: RunContext,
): Promise<void> {
  const { op } = step;
  if (op.shape !== 'join') throw new Error(`${step.id} is not a join`);
  const meter = run.meter(step.id);
  const missing = op.missing(step.params);
  const aligner = new Aligner(inputs.length, op.on(step.params));
  const ended = inputs.map(() => false);
  const empties = step.inputs.map(columns => emptyBatch(columns));
  let acks: Ack[] = [];
  let turn = 0;

  const flush = async (): Promise<void> => {
    const collected: RecordBatch[][] = inputs.map(() => []);
    const gone: RecordBatch[] = [];
    let keys = 0;
    for (const { pieces } of aligner.take()) {
      const lacking = pieces.findIndex(p => p.length === 0);
      if (lacking >= 0 && missing !== 'partial') {
        if (missing === 'fail') {
          throw new StepError(
            step.id,
            `"${step.from[lacking]}" gives no rows for a key that another input has`,
          );
        }
        if (step.wantsGone) for (const p of pieces) if (p.length) gone.push(...p);
        continue;
      }
      if (pieces.every(p => p.length === 0)) continue;
      pieces.forEach((p, i) => {
        collected[i].push(...p);
      });
      keys++;
    }
    // acks wait for keys that are not whole
    const done = aligner.size === 0 ? acks : [];
    if (aligner.size === 0) acks = [];
    if (keys === 0) {
      if (done.length || gone.length) {
        const sent = outlet.send({ gone: gone.length ? gone : undefined, acks: done });
        if (sent) await sent;
      }
      return;
    }
    const batches = collected.map((parts, i) => (parts.length ? concatBatches(parts) : empties[i]));
    const started = performance.now();
    let columns: OutputColumns;
    try {
      columns = (await instance.process(batches)).columns;
    } catch (error) {
      throw stepError(step.id, error);
    }
    const upserts = columnsToBatch(op.name, step.output, step.outputSchema, columns);
    meter.busyMs += performance.now() - started;
    const sent = outlet.send({ upserts, gone: gone.length ? gone : undefined, acks: done });
    if (sent) await sent;
  };

  while (ended.some(e => !e)) {
    // the input the oldest key waits for, else one after the other
    let i = aligner.waitsFor() ?? turn;
    while (ended[i]) i = (i + 1) % inputs.length;
    turn = (i + 1) % inputs.length;
    const got = receive(inputs[i], meter);
    const packet = got instanceof Promise ? await got : got;
    if (packet === END) {
      ended[i] = true;
      aligner.end(i);
    } else {
      if (packet.upserts?.numRows) {
        meter.rowsIn += packet.upserts.numRows;
        meter.batchesIn++;
        aligner.rows(i, packet.upserts);
      }
      for (const gone of packet.gone ?? []) aligner.gone(i, gone);
      acks.push(...packet.acks);
      if (aligner.held > step.memory) {
        throw new StepError(
          step.id,
          `its inputs do not have their keys in one order: ${formatBytes(aligner.held)} wait for rows of the other input, more than the step's share of ${formatBytes(step.memory)}`,
          {
            help: 'let the inputs come from one step, keep order: "keep" between, or give the step more `memory`',
          },
        );
      }
    }
    await flush();
    const breath = breathe();
    if (breath) await breath;
  }
  await flush();
}
