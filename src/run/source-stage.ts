/** A stage of a source: scans, decodes here or (with the maps behind it) in workers, and issues an ack a piece. */
import type { RecordBatch } from 'apache-arrow';
import { breathe } from '../define/breathe.ts';
import type { SourceInstance } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { Chain, type ChainResult, recordLetters } from './chain.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { RunContext } from './context.ts';
import type { Executor } from './executor.ts';
import { FewRows } from './few-rows.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import type { Records } from './incremental/records.ts';
import { idBatch } from './incremental/row-id.ts';
import { account, InFlight, outcome } from './map-stage.ts';
import type { Outlet } from './outlet.ts';
import type { AckTracker, Packet } from './packet.ts';

/** What a piece has become, and what is to be held against the ledger. */
interface Settling {
  readonly packet: Packet;
  readonly part?: string;
  readonly records?: Records;
  /** Whether records of it were left out. */
  readonly sifted: boolean;
}

const asIs = (deletes: RecordBatch): RecordBatch => deletes;

/**
 * Reads a source to its end, or to `step.limit` rows.
 * @param executor works through `[source, ...maps]` in workers; absent, raw pieces are decoded here
 * @param steps the steps of the executor's chain, the source first
 */
export async function sourceStage(
  step: PlannedStep,
  instance: SourceInstance,
  acks: AckTracker,
  outlet: Outlet,
  run: RunContext,
  executor?: Executor,
  steps: readonly PlannedStep[] = [step],
  changes?: FlowChanges,
  checkpoints?: Checkpoints,
): Promise<void> {
  const meter = run.meter(step.id);
  meter.total = instance.total && { ...instance.total };
  const local = new Chain({ step, instance }, []);
  const diff = changes?.source(step.id);
  const known = changes?.parts(step.id);
  const parts = diff || known ? await instance.parts?.() : undefined;
  const read = diff?.toRead(parts);
  let putAside: Promise<void> | undefined;
  // rows as read → rows that go on: all of them, or, against the ledger, those that changed
  const settle = (packet: Packet, part: string | undefined, records?: Records): Packet => {
    if (!diff || !(packet.upserts || records)) return packet;
    const { batch, errors } = diff.take(packet.upserts, part ?? '', records);
    if (errors.length) putAside = run.letters(recordLetters(step, errors));
    return { ...packet, upserts: batch };
  };
  const few = new FewRows(outlet);
  const send = async (packet: Packet, sifted: boolean): Promise<void> => {
    if (sifted) return few.add(packet);
    await few.flush();
    return outlet.send(packet);
  };
  const limit = step.limit ?? Number.POSITIVE_INFINITY;
  let rows = 0;
  // rows since the last look at whether a commit is due
  let taken = 0;

  // a limited run counts rows as they are read, so its pieces are decoded here, one by one
  const remote = limit === Number.POSITIVE_INFINITY ? executor : undefined;
  const flight = remote && new InFlight<Settling>(remote.width, step.order === 'keep' || diff !== undefined);
  const emitNext = async (): Promise<void> => {
    if (!flight) return;
    const { packet, part, records, sifted } = await flight.next();
    taken += packet.upserts?.numRows ?? 0;
    await send(settle(packet, part, records), sifted);
    await putAside;
    await changes?.drain();
  };

  const checkpoint = async (): Promise<void> => {
    if (!checkpoints || !diff) return;
    while (flight && flight.size > 0) await emitNext();
    await few.flush();
    diff.checkpoint(parts);
    const { packet, done } = checkpoints.begin();
    await outlet.send(packet);
    await done;
  };

  let scanStarted = performance.now();
  for await (const chunk of instance.scan(undefined, read)) {
    meter.busyMs += performance.now() - scanStarted;
    if (run.signal.aborted) break;
    const ack = acks.issue(chunk.position);
    meter.done += chunk.progress ?? 0;
    // a limited run counts the rows that are as they were too
    const sifts = chunk.raw && limit === Number.POSITIVE_INFINITY ? diff : undefined;
    const { raw: left, records } = sifts?.sift(instance, chunk.raw as Uint8Array, chunk.part ?? '') ?? {
      raw: chunk.raw,
      records: undefined,
    };
    const sifted = left !== chunk.raw;
    // a worker takes the bytes away, and later
    const lent = remote && chunk.borrowed && !sifted;
    const raw = left && lent ? new Uint8Array(left) : left;
    if (remote && flight) {
      const { meta, part, batch } = chunk;
      if (chunk.errors?.length) await run.letters(recordLetters(step, chunk.errors));
      const through = async (result: Promise<ChainResult>): Promise<Settling> => {
        const done = await result;
        await account(done, steps, run, true);
        return { packet: outcome({ acks: [ack] }, done, asIs), part, records, sifted };
      };
      while (!flight.room) await emitNext();
      if (raw) flight.add(through(remote.run({ raw, meta: meta ?? null })));
      // nothing may be left to decode of a piece, but it has its turn;
      // rows that need no decoding still go through the maps of the group, and wait for their turn
      else if (batch && steps.length > 1) flight.add(through(remote.run({ batch })));
      else flight.add(Promise.resolve({ packet: { upserts: batch, acks: [ack] }, part, records, sifted }));
    } else {
      let batch = chunk.batch;
      if (chunk.errors?.length) await run.letters(recordLetters(step, chunk.errors));
      if (raw) {
        const result = await local.run({ raw, meta: chunk.meta ?? null });
        await account(result, [step], run, true);
        batch = result.batch;
      } else if (batch) {
        meter.rowsIn += batch.numRows;
        meter.batchesIn++;
      }
      if (batch && rows + batch.numRows > limit) batch = batch.slice(0, limit - rows);
      rows += batch?.numRows ?? 0;
      taken += batch?.numRows ?? 0;
      await send(settle({ upserts: batch, acks: [ack] }, chunk.part, records), sifted);
      await putAside;
      if (changes) await changes.drain();
      if (rows >= limit) break;
    }
    // files may come out of memory, and pieces need no work: others have their turn all the same
    const breath = breathe();
    if (breath) await breath;
    if (diff?.needsAllRows) break;
    if (checkpoints?.due(taken) && !changes?.needsAllRows) await checkpoint();
    taken = 0;
    scanStarted = performance.now();
  }
  while (flight && flight.size > 0) await emitNext();
  if (!run.signal.aborted) await few.flush();
  if (!run.signal.aborted) known?.finish(parts);
  if (diff && !diff.needsAllRows && !run.signal.aborted) {
    const gone = diff.finish(parts);
    if (gone.length) await outlet.send({ deletes: idBatch(gone), acks: [] });
  }
}
