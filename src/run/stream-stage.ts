/** A stage of a `stream`: state across batches, one or more inputs taken in turn. */
import { breathe } from '../define/breathe.ts';
import type { Change, Changes, StreamInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { requiredColumns } from './chain.ts';
import { type Channel, END } from './channel.ts';
import type { RunContext } from './context.ts';
import { stepError } from './errors.ts';
import { Clashes } from './incremental/clashes.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { idBatch, withoutRowIds } from './incremental/row-id.ts';
import { rebatched } from './map-stage.ts';
import type { Outlet } from './outlet.ts';
import type { Ack, Packet } from './packet.ts';
import { named, withoutNulls } from './sink-stage.ts';

export async function streamStage(
  step: PlannedStep,
  inputs: readonly Channel<Packet>[],
  instance: StreamInstance,
  outlet: Outlet,
  run: RunContext,
  changes?: FlowChanges,
): Promise<void> {
  const { op } = step;
  if (op.shape !== 'stream') throw new Error(`${step.id} is not a stream`);
  const meter = run.meter(step.id);
  // a step that holds rows back holds their acks until the end
  const holds = op.holds?.(step.params) ?? false;
  const heldAcks: Ack[] = [];
  const diff = changes?.stream(step.id);
  const clashes = diff && changes ? new Clashes(step, run, changes) : undefined;

  const send = async (changes: Changes | Promise<Changes>, acks: readonly Ack[]): Promise<void> => {
    const settled = changes instanceof Promise ? await changes : changes;
    // the acks go with the last change, so one is kept back
    let last: Change | undefined;
    for await (const change of settled) {
      if (last) await emit(last, []);
      last = change;
    }
    await emit(last ?? {}, acks);
  };
  const emit = async (change: Change, acks: readonly Ack[]): Promise<void> => {
    const given = diff ? diff.ids.give(change) : change;
    const sent = outlet.send({ ...given, gone: change.gone && [change.gone], acks });
    if (sent) await sent;
  };

  const required = inputs.map((_, i) => requiredColumns(op.reads(step.params, i)));
  const open = inputs.map((channel, index) => ({ index, packets: rebatched(step, channel, run) }));
  while (open.length > 0) {
    for (const input of [...open]) {
      const next = input.packets.next();
      const packet = next instanceof Promise ? await next : next;
      if (packet === END) {
        open.splice(open.indexOf(input), 1);
        continue;
      }
      meter.rowsIn += packet.upserts?.numRows ?? 0;
      meter.batchesIn += packet.upserts ? 1 : 0;
      const waitedBefore = meter.waitOutMs;
      const started = performance.now();
      try {
        const { clean, failed } = await withoutNulls(step, packet.upserts, required[input.index], run);
        let change: Change = { upserts: clean, deletes: packet.deletes };
        if (diff) {
          const {
            asks,
            clashes: found,
            ...todo
          } = diff.input.push(change, [...(packet.gone ?? []), ...failed]);
          if (asks) diff.input.claim(asks, undefined);
          await clashes?.add(found);
          change = todo;
        }
        const upserts = change.upserts && withoutRowIds(change.upserts);
        const deletes = change.deletes && named(change.deletes);
        if (upserts?.numRows || deletes?.numRows || op.gone)
          await send(instance.process({ upserts, deletes }, input.index), []);
        if (changes) await changes.drain();
        if (op.gone)
          for (const gone of packet.gone ?? []) await send(instance.process({ gone }, input.index), []);
      } catch (error) {
        throw stepError(step.id, error);
      }
      meter.busyMs += performance.now() - started - (meter.waitOutMs - waitedBefore);
      if (holds) heldAcks.push(...packet.acks);
      else if (packet.acks.length || (packet.gone && !op.gone && !diff)) {
        const sent = outlet.send({ gone: op.gone || diff ? undefined : packet.gone, acks: packet.acks });
        if (sent) await sent;
      }
      const breath = breathe();
      if (breath) await breath;
    }
  }
  const waitedBefore = meter.waitOutMs;
  const started = performance.now();
  if (diff) {
    const { deletes, clashes: found } = diff.input.end();
    await clashes?.add(found);
    await clashes?.settle();
    if (deletes) await send(instance.process({ deletes }, 0), []);
  }
  if (instance.end) await send(instance.end(), heldAcks);
  else if (heldAcks.length) await emit({}, heldAcks);
  const gone = diff?.ids.end();
  if (gone?.length) await outlet.send({ deletes: idBatch(gone), acks: [] });
  meter.busyMs += performance.now() - started - (meter.waitOutMs - waitedBefore);
}
