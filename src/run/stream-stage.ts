/** A stage of a `stream`: state across batches, one or more inputs taken in turn. */
import type { Change, Changes, StreamInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { requiredColumns } from './chain.ts';
import { type Channel, END } from './channel.ts';
import { breathe, type RunContext } from './context.ts';
import { stepError } from './errors.ts';
import { withoutRowIds } from './incremental/row-id.ts';
import { rebatched } from './map-stage.ts';
import type { Outlet } from './outlet.ts';
import type { Ack, Packet } from './packet.ts';
import { withoutNulls } from './sink-stage.ts';

export async function streamStage(
  step: PlannedStep,
  inputs: readonly Channel<Packet>[],
  instance: StreamInstance,
  outlet: Outlet,
  run: RunContext,
): Promise<void> {
  const { op } = step;
  if (op.shape !== 'stream') throw new Error(`${step.id} is not a stream`);
  const meter = run.meter(step.id);
  // a step that holds rows back holds their acks until the end
  const holds = op.holds?.(step.params) ?? false;
  const heldAcks: Ack[] = [];

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
    const sent = outlet.send({ ...change, gone: change.gone && [change.gone], acks });
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
        const plain = packet.upserts && withoutRowIds(packet.upserts);
        const { clean: upserts } = await withoutNulls(step, plain, required[input.index], run);
        const { deletes } = packet;
        if (upserts || deletes || op.gone)
          await send(instance.process({ upserts, deletes }, input.index), []);
        if (op.gone)
          for (const gone of packet.gone ?? []) await send(instance.process({ gone }, input.index), []);
      } catch (error) {
        throw stepError(step.id, error);
      }
      meter.busyMs += performance.now() - started - (meter.waitOutMs - waitedBefore);
      if (holds) heldAcks.push(...packet.acks);
      else if (packet.acks.length || (packet.gone && !op.gone)) {
        const sent = outlet.send({ gone: op.gone ? undefined : packet.gone, acks: packet.acks });
        if (sent) await sent;
      }
      const breath = breathe();
      if (breath) await breath;
    }
  }
  const waitedBefore = meter.waitOutMs;
  const started = performance.now();
  if (instance.end) await send(instance.end(), heldAcks);
  else if (heldAcks.length) await emit({}, heldAcks);
  meter.busyMs += performance.now() - started - (meter.waitOutMs - waitedBefore);
}
