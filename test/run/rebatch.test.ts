import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchFromRows, int32, list, rowsOf, utf8 } from '../../src/arrow/index.ts';
import type { PlannedBatch, PlannedStep } from '../../src/plan/types.ts';
import { AckTracker, type Packet } from '../../src/run/packet.ts';
import { Rebatcher } from '../../src/run/rebatch.ts';
import { cutByTokens, tokenLengths } from '../../src/run/tokens.ts';

const stepWith = (batch: Partial<PlannedBatch>, batchBy: string[] = []): PlannedStep =>
  ({
    batch: { lingerMs: 20, ...batch },
    batchBy,
    op: { shape: 'map' },
    params: {},
  }) as unknown as PlannedStep;
const columns = { q: utf8(), n: int32() };
const packetOf = (rows: { q: string; n: number }[]): Packet => ({
  upserts: batchFromRows(columns, rows),
  acks: [],
});
const numbers = (packets: Packet[]): number[][] =>
  packets.flatMap(p => (p.upserts ? [rowsOf(p.upserts).map(r => r.n as number)] : []));

describe('Rebatcher', () => {
  it('joins and cuts by rows', () => {
    const r = new Rebatcher(stepWith({ rows: 3 }));
    const row = (n: number) => ({ q: 'x', n });
    expect(numbers(r.push(packetOf([row(1), row(2)])))).toEqual([]);
    expect(numbers(r.push(packetOf([row(3), row(4), row(5), row(6), row(7)])))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(r.held).toBe(1);
    expect(numbers(r.flush())).toEqual([[7]]);
    expect(r.held).toBe(0);
  });

  it('never splits a run of its batchBy columns, even one larger than the batch', () => {
    const r = new Rebatcher(stepWith({ rows: 2 }, ['q']));
    const rows = [...'aaabbcdddd'].map((q, n) => ({ q, n }));
    const out = [...r.push(packetOf(rows.slice(0, 4))), ...r.push(packetOf(rows.slice(4))), ...r.flush()];
    expect(numbers(out)).toEqual([[0, 1, 2], [3, 4], [5], [6, 7, 8, 9]]);
  });

  it('keeps the last run back when its linger is over, since the run may go on', () => {
    const r = new Rebatcher(stepWith({ rows: 100 }, ['q']));
    r.push(packetOf([...'aab'].map((q, n) => ({ q, n }))));
    expect(r.since).toBeDefined();
    expect(numbers(r.linger())).toEqual([[0, 1]]);
    expect(numbers(r.linger())).toEqual([]);
    expect(numbers(r.push(packetOf([...'bc'].map((q, n) => ({ q, n: n + 3 })))))).toEqual([]);
    expect(numbers(r.linger())).toEqual([[2, 3]]);
    expect(numbers(r.flush())).toEqual([[4]]);
  });

  it('puts deletes between what came before and what comes with them', () => {
    const r = new Rebatcher(stepWith({ rows: 10 }));
    r.push(packetOf([{ q: 'a', n: 1 }]));
    const deletes = batchFromRows({ q: utf8() }, [{ q: 'a' }]);
    const out = r.push({ deletes, upserts: batchFromRows(columns, [{ q: 'a', n: 2 }]), acks: [] });
    expect(out.map(p => (p.deletes ? 'delete' : numbers([p])[0]))).toEqual([[1], 'delete']);
    expect(numbers(r.flush())).toEqual([[2]]);
  });

  it('keeps every row in order and runs whole, and finishes acks only when all pieces are done', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        (parts, rows, together) => {
          const r = new Rebatcher(stepWith({ rows }, together ? ['q'] : []));
          const tracker = new AckTracker('s');
          let n = 0;
          const out: Packet[] = [];
          const all: { q: string; n: number }[] = [];
          for (const part of parts) {
            const batch = part.map(q => ({ q, n: n++ }));
            all.push(...batch);
            out.push(...r.push({ ...packetOf(batch), acks: [tracker.issue(n)] }));
          }
          out.push(...r.flush());
          expect(numbers(out).flat()).toEqual(all.map(x => x.n));
          if (together) {
            const ends = numbers(out).map(b => b[b.length - 1]);
            for (const end of ends.slice(0, -1)) expect(all[end].q).not.toBe(all[end + 1].q);
          } else for (const b of numbers(out)) expect(b.length).toBeLessThanOrEqual(rows);
          for (const packet of out) for (const ack of packet.acks) ack.release();
          expect(tracker.open).toBe(0);
          expect(tracker.position).toBe(parts.length ? n : undefined);
        },
      ),
    );
  });
});

describe('token budget', () => {
  it('counts items of lists and a quarter of the bytes of text', () => {
    const batch = batchFromRows({ ids: list(int32()), text: utf8() }, [
      { ids: [1, 2, 3], text: 'abcdefgh' },
      { ids: [], text: 'a' },
    ]);
    expect([...tokenLengths(batch, 'ids')]).toEqual([3, 0]);
    expect([...tokenLengths(batch, 'text')]).toEqual([2, 1]);
  });

  it('cuts pieces whose padded size keeps to the budget, each row once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 50 }), lengths => {
        const pieces = cutByTokens(Int32Array.from(lengths), 100);
        expect(pieces.flatMap(p => [...p]).sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        for (const piece of pieces) {
          const longest = Math.max(...[...piece].map(i => lengths[i]));
          expect(piece.length === 1 || piece.length * longest <= 100).toBe(true);
        }
      }),
    );
  });
});

describe('AckTracker', () => {
  it('moves past a piece only when all before it are done', () => {
    const tracker = new AckTracker('s');
    const [a, b, c] = [tracker.issue(1), tracker.issue(2), tracker.issue(3)];
    b.release();
    expect(tracker.position).toBeUndefined();
    a.retain();
    a.release();
    expect(tracker.position).toBeUndefined();
    a.release();
    expect(tracker.position).toBe(2);
    c.release();
    expect(tracker.position).toBe(3);
    expect(tracker.open).toBe(0);
  });
});
