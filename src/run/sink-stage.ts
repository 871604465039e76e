/** A stage of a sink: writes what comes. Preparing and publishing are the flow's, once every sink is done. */
import type { RecordBatch } from 'apache-arrow';
import { breathe } from '../define/breathe.ts';
import type { Change, SinkInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Letter } from './chain.ts';
import { requiredColumns } from './chain.ts';
import { type Channel, END } from './channel.ts';
import type { RunContext } from './context.ts';
import { StepError } from './errors.ts';
import { Clashes } from './incremental/clashes.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { plainKey } from './incremental/key-text.ts';
import { withoutRowIds } from './incremental/row-id.ts';
import { rebatched } from './map-stage.ts';
import type { Packet } from './packet.ts';
import { splitNulls } from './row-errors.ts';

/** Takes the input to its end; acks are given back in `written`, to release once the sink has committed. */
export async function sinkStage(
  step: PlannedStep,
  input: Channel<Packet>,
  sink: SinkInstance,
  run: RunContext,
  written: Packet['acks'][],
  changes?: FlowChanges,
): Promise<void> {
  const { op } = step;
  if (op.shape !== 'sink') throw new Error(`${step.id} is not a sink`);
  const meter = run.meter(step.id);
  const required = requiredColumns(op.reads(step.params));
  const diff = changes?.sink(step.id);
  const clashes = diff && changes ? new Clashes(step, run, changes) : undefined;
  // keys that are new to their rows may be other rows' in what is there
  const pushed = async (change: Change, gone: readonly RecordBatch[]): Promise<Change> => {
    if (!diff) return { ...change, deletes: change.deletes && named(change.deletes) };
    const { asks, clashes: found, ...todo } = diff.push(change, gone);
    if (asks) diff.claim(asks, await sink.has?.(withoutRowIds(asks)));
    await clashes?.add(found);
    return todo;
  };
  const write = async (change: Change, gone: readonly RecordBatch[] = []): Promise<void> => {
    const { upserts, deletes } = await pushed(change, gone);
    if (upserts?.numRows || deletes?.numRows) {
      const wrote = sink.write({ upserts: upserts && withoutRowIds(upserts), deletes });
      if (wrote) await wrote;
      meter.rowsOut += upserts?.numRows ?? 0;
      meter.deleted += deletes?.numRows ?? 0;
    }
    if (changes) await changes.drain();
  };
  const packets = rebatched(step, input, run);
  for (;;) {
    const next = packets.next();
    const packet = next instanceof Promise ? await next : next;
    if (packet === END) {
      const last = diff?.end();
      await clashes?.add(last?.clashes ?? []);
      await clashes?.settle();
      if (last?.deletes?.numRows) {
        await sink.write({ deletes: last.deletes });
        meter.deleted += last.deletes.numRows;
      }
      return;
    }
    if (packet.barrier) {
      const last = diff?.checkpoint();
      await clashes?.settle();
      if (last?.deletes?.numRows) {
        await sink.write({ deletes: last.deletes });
        meter.deleted += last.deletes.numRows;
      }
      await packet.barrier.arrive(step.id, last?.waits || changes?.needsAllRows);
      continue;
    }
    const started = performance.now();
    const { clean: upserts, failed } = await withoutNulls(step, packet.upserts, required, run);
    if (packet.upserts) {
      meter.rowsIn += packet.upserts.numRows;
      meter.batchesIn++;
    }
    // a row that the sink itself cannot take is gone for it too: its former version must not stay. All in one go, since
    // a source row's rows may be among both
    if (diff) await write({ upserts, deletes: packet.deletes }, [...(packet.gone ?? []), ...failed]);
    else {
      if (upserts || packet.deletes) await write({ upserts, deletes: packet.deletes });
      if (op.gone) for (const gone of packet.gone ?? []) await sink.write({ gone: withoutRowIds(gone) });
    }
    meter.busyMs += performance.now() - started;
    if (packet.acks.length) written.push(packet.acks);
    const breath = breathe();
    if (breath) await breath;
  }
}

/** The rows a batch of deletes names; ids alone name nothing that a step without a diff could know. */
export const named = (deletes: RecordBatch): RecordBatch | undefined => {
  const plain = withoutRowIds(deletes);
  return plain.schema.fields.length > 0 ? plain : undefined;
};

/** The rows whose required columns hold values, and the others, which are errors of the step. */
export async function withoutNulls(
  step: PlannedStep,
  batch: RecordBatch | undefined,
  required: readonly string[],
  run: RunContext,
): Promise<{ readonly clean: RecordBatch | undefined; readonly failed: readonly RecordBatch[] }> {
  if (!batch) return { clean: undefined, failed: [] };
  const { clean, failures } = splitNulls(batch, required);
  if (failures.length === 0) return { clean, failed: [] };
  const letters = failures.map((f): Letter => {
    const where = plainKey(f.row, 0, step.inputKeys[0] ?? []);
    const message = (f.error as Error).message;
    if (step.onError === 'fail') throw new StepError(step.id, message, { row: where });
    return { step: step.id, where, message, row: f.row };
  });
  await run.letters(letters);
  return { clean, failed: failures.map(f => f.row) };
}
