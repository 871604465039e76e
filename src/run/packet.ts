/** What flows: changes with the source positions they came from. */
import type { RecordBatch } from 'apache-arrow';
import { retainedBytes } from '../arrow/index.ts';
import type { Json } from '../define/index.ts';

/**
 * One piece of a source, until everything made from it has been dealt with. Counted, not owned: a packet that is
 * split or fanned out holds it once a piece.
 */
export class Ack {
  #pending = 1;
  readonly #onDone: (ack: Ack) => void;
  readonly source: string;
  readonly sequence: number;
  readonly position: Json;

  constructor(source: string, sequence: number, position: Json, onDone: (ack: Ack) => void) {
    this.source = source;
    this.sequence = sequence;
    this.position = position;
    this.#onDone = onDone;
  }
  retain(times = 1): void {
    this.#pending += times;
  }
  release(): void {
    if (--this.#pending === 0) this.#onDone(this);
  }
}

/** Follows one source's acks and knows up to where everything is done, without gaps. */
export class AckTracker {
  readonly #source: string;
  readonly #finished = new Map<number, Json>();
  #issued = 0;
  #next = 0;
  /** The position after the last piece before which nothing is open. */
  position: Json | undefined;

  constructor(source: string) {
    this.#source = source;
  }
  issue(position: Json): Ack {
    return new Ack(this.#source, this.#issued++, position, ack => {
      this.#finished.set(ack.sequence, ack.position);
      while (this.#finished.has(this.#next)) {
        this.position = this.#finished.get(this.#next);
        this.#finished.delete(this.#next++);
      }
    });
  }
  /** Pieces that are not done yet. */
  get open(): number {
    return this.#issued - this.#next;
  }
}

/** A packet: rows to put in or to take out, rows that went missing on the way, and where it all came from. */
export interface Packet {
  readonly upserts?: RecordBatch;
  readonly deletes?: RecordBatch;
  /** Rows that were filtered out, dead-lettered or gave nothing, as last seen. Only where someone wants to know. */
  readonly gone?: readonly RecordBatch[];
  readonly acks: readonly Ack[];
  /** Carries no rows: says that everything before it is to be committed. */
  readonly barrier?: Barrier;
}

/**
 * A line across a flow for a commit in the middle of a run: what a source sent before it is in, what comes after is
 * not. The source sends nothing more until it is over, so the ledger's journal ends at the same line.
 */
export interface Barrier {
  /**
   * A sink has taken everything before it. Resolves once the commit is done, or left for later where a sink `waits`.
   * @throws where the run is aborted
   */
  arrive(step: string, waits?: boolean): Promise<void>;
}

/** Retained bytes of all batches of a packet. */
export function packetBytes(packet: Packet): number {
  let bytes = packet.upserts ? retainedBytes(packet.upserts) : 0;
  if (packet.deletes) bytes += retainedBytes(packet.deletes);
  if (packet.gone) for (const batch of packet.gone) bytes += retainedBytes(batch);
  return bytes;
}

/** Whether a packet carries anything but acks. */
export const isEmptyPacket = (p: Packet): boolean =>
  !p.barrier && !p.upserts?.numRows && !p.deletes?.numRows && !p.gone?.some(g => g.numRows);

/** Says that nothing more will come of this packet. */
export function releasePacket(packet: Packet): void {
  for (const ack of packet.acks) ack.release();
}
