import { expect, it } from 'vitest';
import { batchFromRows, int32, rowsOf } from '../../src/arrow/index.ts';
import { FewRows } from '../../src/run/few-rows.ts';
import type { Outlet } from '../../src/run/outlet.ts';
import { AckTracker, type Packet } from '../../src/run/packet.ts';

const rowsFrom = (from: number, n: number) =>
  batchFromRows(
    { n: int32() },
    Array.from({ length: n }, (_, i) => ({ n: from + i })),
  );
/** Feeds pieces of so many rows; gives the rows of each packet that came out, and where the source stands then. */
function put(pieces: readonly number[]): { packets: number[][]; position: unknown; open: number } {
  const sent: Packet[] = [];
  const outlet = {
    send: (packet: Packet) => {
      sent.push(packet);
      return undefined;
    },
  } as unknown as Outlet;
  const acks = new AckTracker('src');
  const few = new FewRows(outlet);
  let from = 0;
  for (const [i, n] of pieces.entries()) {
    few.add({ upserts: n > 0 ? rowsFrom(from, n) : undefined, acks: [acks.issue(i)] });
    from += n;
  }
  few.flush();
  for (const packet of sent) for (const ack of packet.acks) ack.release();
  const packets = sent.map(p => (p.upserts ? rowsOf(p.upserts).map(r => r.n as number) : []));
  return { packets, position: acks.position, open: acks.open };
}
const upTo = (n: number, from = 0): number[] => Array.from({ length: n - from }, (_, i) => from + i);

it('rows of many pieces are one packet, in order, which stands for all of them', () => {
  expect(put([3, 0, 2, 1, 0])).toEqual({ packets: [upTo(6)], position: 4, open: 0 });
});

it('goes on once there are a thousand rows, or a thousand pieces', () => {
  expect(put([600, 600, 5]).packets).toEqual([upTo(1200), upTo(1205, 1200)]);
  expect(put(new Array(1001).fill(0))).toEqual({ packets: [[], []], position: 1000, open: 0 });
});

it('sends nothing where there was nothing', () => {
  expect(put([]).packets).toEqual([]);
});
