/** The way out of a stage: cuts what is too large for the channels behind it and gives it to each of them. */
import type { RecordBatch } from 'apache-arrow';
import { compact, retainedBytes, sliceRows } from '../arrow/index.ts';
import type { Channel } from './channel.ts';
import { cutPoints } from './groups.ts';
import { withoutRowIds } from './incremental/row-id.ts';
import type { StepMeter } from './meter.ts';
import { isEmptyPacket, type Packet, packetBytes, releasePacket } from './packet.ts';

export class Outlet {
  readonly #channels: readonly Channel<Packet>[];
  readonly #meter: StepMeter;
  readonly #keepTogether: readonly string[];
  readonly #limit: number;
  /** Called with each batch that goes out. */
  readonly taps = new Set<(batch: RecordBatch) => void>();

  /** @param keepTogether columns whose runs a cut must not divide, since a step behind needs them whole */
  constructor(channels: readonly Channel<Packet>[], meter: StepMeter, keepTogether: readonly string[]) {
    this.#channels = channels;
    this.#meter = meter;
    this.#keepTogether = keepTogether;
    // half a channel, so that one packet can be filled while another is taken
    this.#limit = Math.max(32_768, Math.min(...channels.map(c => c.capacity), Number.MAX_SAFE_INTEGER) / 2);
  }

  /** Sends on; a promise where it has to wait for room. */
  send(packet: Packet): Promise<void> | undefined {
    const batch = packet.upserts;
    if (batch) {
      this.#meter.rowsOut += batch.numRows;
      this.#meter.batchesOut++;
      if (this.taps.size > 0) {
        const plain = withoutRowIds(batch);
        for (const tap of this.taps) tap(plain);
      }
      if (retainedBytes(batch) > this.#limit && batch.numRows > 1) return this.#sendCut(packet, batch);
    }
    if (isEmptyPacket(packet) && packet.acks.length === 0) return undefined;
    return this.#sendAll(packet);
  }

  async #sendCut(packet: Packet, batch: RecordBatch): Promise<void> {
    const own = compact(batch);
    const bytes = retainedBytes(own);
    const rows = Math.max(1, Math.floor((own.numRows * this.#limit) / Math.max(bytes, 1)));
    const cuts = bytes > this.#limit ? cutPoints(own, rows, this.#keepTogether) : [own.numRows];
    let from = 0;
    for (const [i, to] of cuts.entries()) {
      const last = i === cuts.length - 1;
      const piece = sliceRows(own, from, to);
      if (!last) for (const ack of packet.acks) ack.retain();
      await this.#sendAll({
        upserts: piece,
        deletes: i === 0 ? packet.deletes : undefined,
        gone: last ? packet.gone : undefined,
        acks: packet.acks,
      });
      from = to;
    }
  }

  #sendAll(packet: Packet): Promise<void> | undefined {
    const channels = this.#channels;
    if (channels.length === 0) {
      releasePacket(packet);
      return undefined;
    }
    const bytes = packetBytes(packet);
    if (channels.length === 1) return this.#timed(channels[0].send(packet, bytes));
    for (const ack of packet.acks) ack.retain(channels.length - 1);
    const waits = channels.flatMap(c => c.send(packet, bytes) ?? []);
    return waits.length ? this.#timed(Promise.all(waits).then(() => undefined)) : undefined;
  }

  #timed(wait: Promise<void> | undefined): Promise<void> | undefined {
    if (!wait) return undefined;
    const started = performance.now();
    this.#meter.waitsOut++;
    return wait.finally(() => {
      this.#meter.waitsOut--;
      this.#meter.hops++;
      this.#meter.waitOutMs += performance.now() - started;
    });
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }
}
