/** A stage of an `rx` operator: packets in and out of its credit window; it sees upserts unless it wants changes. */
import type { RxInstance, Packet as RxPacket } from '../define/index.ts';
import { throughWindow } from '../events/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { type Channel, END } from './channel.ts';
import type { RunContext } from './context.ts';
import { stepError } from './errors.ts';
import { withoutRowIds } from './incremental/row-id.ts';
import { rebatched } from './map-stage.ts';
import type { Outlet } from './outlet.ts';
import type { Ack, Packet } from './packet.ts';

const WINDOW = 16;
const LINGER_MS = 50;

export async function rxStage(
  step: PlannedStep,
  input: Channel<Packet>,
  instance: RxInstance,
  outlet: Outlet,
  run: RunContext,
): Promise<void> {
  const { op } = step;
  if (op.shape !== 'rx') throw new Error(`${step.id} is not an rx operator`);
  const meter = run.meter(step.id);
  const packets = rebatched(step, input, run);
  // the operator may hold packets as long as it likes, so acks wait until its input has gone through
  const acks: Ack[] = [];
  const next = async (): Promise<RxPacket | undefined> => {
    for (;;) {
      const packet = await packets.next();
      if (packet === END) return undefined;
      acks.push(...packet.acks);
      const around: Packet = {
        deletes: op.changes ? undefined : packet.deletes,
        gone: packet.gone,
        acks: [],
      };
      if (around.deletes || around.gone) await outlet.send(around);
      if (!packet.upserts?.numRows && !(op.changes && packet.deletes)) continue;
      meter.rowsIn += packet.upserts?.numRows ?? 0;
      meter.batchesIn++;
      const position = packet.acks[packet.acks.length - 1]?.position ?? null;
      const upserts = packet.upserts && withoutRowIds(packet.upserts);
      return { upserts, deletes: op.changes ? packet.deletes : undefined, position };
    }
  };
  const options = { window: WINDOW + (op.holds?.(step.params) ?? 0), lingerMs: LINGER_MS };
  const started = performance.now();
  const waits = meter.waitInMs + meter.waitOutMs;
  try {
    for await (const packet of throughWindow(next, source => instance.pipe(source), options)) {
      const { upserts, deletes, gone } = packet;
      const sent = outlet.send({ upserts, deletes, gone: gone && [gone], acks: [] });
      if (sent) await sent;
    }
  } catch (error) {
    throw stepError(step.id, error);
  }
  meter.busyMs += Math.max(0, performance.now() - started - (meter.waitInMs + meter.waitOutMs - waits));
  const sent = outlet.send({ acks });
  if (sent) await sent;
}
