import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Channel, END } from '../../src/run/channel.ts';

describe('Channel', () => {
  it('takes items at once while they fit and makes the sender wait when they do not', async () => {
    const channel = new Channel<string>(100);
    expect(channel.send('a', 60)).toBeUndefined();
    const waiting = channel.send('b', 60);
    expect(waiting).toBeInstanceOf(Promise);
    expect(channel.held).toBe(60);
    expect(channel.receive()).toBe('a');
    await waiting;
    expect(channel.held).toBe(60);
    expect(channel.receive()).toBe('b');
    expect(channel.held).toBe(0);
  });

  it('lets an item larger than the channel pass when it is empty', async () => {
    const channel = new Channel<string>(10);
    expect(channel.send('huge', 1000)).toBeUndefined();
    const next = channel.send('small', 1);
    expect(next).toBeInstanceOf(Promise);
    expect(channel.receive()).toBe('huge');
    await next;
    expect(channel.receive()).toBe('small');
  });

  it('hands an item straight to a waiting receiver', async () => {
    const channel = new Channel<number>(10);
    const got = channel.receive();
    expect(channel.send(7, 5)).toBeUndefined();
    expect(await got).toBe(7);
    expect(channel.held).toBe(0);
  });

  it('ends after what is in it was taken', async () => {
    const channel = new Channel<number>(10);
    channel.send(1, 1);
    channel.close();
    expect(channel.receive()).toBe(1);
    expect(channel.receive()).toBe(END);
    const empty = new Channel<number>(10);
    const got = empty.receive();
    empty.close();
    expect(await got).toBe(END);
  });

  it('gives waiting senders and receivers its failure', async () => {
    const full = new Channel<number>(1);
    full.send(1, 1);
    const sender = full.send(2, 1);
    full.fail(new Error('stopped'));
    await expect(sender).rejects.toThrow('stopped');
    await expect(full.receive()).rejects.toThrow('stopped');
    const empty = new Channel<number>(1);
    const receiver = empty.receive();
    empty.fail(new Error('stopped'));
    await expect(receiver).rejects.toThrow('stopped');
  });

  it('keeps order and never holds more than its capacity, but for one item alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        async (sizes, capacity) => {
          const channel = new Channel<number>(capacity);
          const got: number[] = [];
          const producer = (async () => {
            for (const [i, bytes] of sizes.entries()) {
              await channel.send(i, bytes);
              expect(channel.held <= capacity || channel.length === 1).toBe(true);
            }
            channel.close();
          })();
          for (;;) {
            const item = await channel.receive();
            if (item === END) break;
            got.push(item);
          }
          await producer;
          expect(got).toEqual(sizes.map((_, i) => i));
          expect(channel.held).toBe(0);
        },
      ),
    );
  });
});
