import { firstValueFrom, from, Observable, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { EventHub, fromObservable, toObservable } from '../../src/events/index.ts';

async function* upTo(n: number, closed?: { yes: boolean }) {
  try {
    for (let i = 0; i < n; i++) yield i;
  } finally {
    if (closed) closed.yes = true;
  }
}

describe('the bridges', () => {
  it('give an async iterable as an Observable, and stop reading when nobody listens', async () => {
    expect(await firstValueFrom(toObservable(upTo(4)).pipe(toArray()))).toEqual([0, 1, 2, 3]);
    const closed = { yes: false };
    await firstValueFrom(toObservable(upTo(1e9, closed)).pipe(take(2), toArray()));
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(closed.yes).toBe(true);
  });
  it('give an Observable as an async iterable, with its error', async () => {
    const got: number[] = [];
    for await (const n of fromObservable(from([1, 2, 3]))) got.push(n);
    expect(got).toEqual([1, 2, 3]);
    const failing = new Observable<number>(s => {
      s.next(1);
      s.error(new Error('gone'));
    });
    await expect(async () => {
      for await (const n of fromObservable(failing)) got.push(n);
    }).rejects.toThrow('gone');
    expect(got).toEqual([1, 2, 3, 1]);
  });
  it('say when an Observable is too fast for its reader, and unsubscribe when the reader stops', async () => {
    const subject = new Subject<number>();
    const iterator = fromObservable(subject, 2);
    const first = iterator.next();
    for (let i = 0; i < 5; i++) subject.next(i);
    expect((await first).value).toBe(0);
    expect((await iterator.next()).value).toBe(1);
    await expect(iterator.next()).rejects.toThrow(/slower than the Observable: 2 values wait/);
    const other = new Subject<number>();
    const reader = fromObservable(other);
    const pending = reader.next();
    other.next(1);
    await pending;
    await reader.return(undefined);
    expect(other.observed).toBe(false);
  });
});

describe('the hub', () => {
  it('tells late listeners what happened before, but for progress', () => {
    const hub = new EventHub();
    hub.emit({ type: 'start', pipeline: 'p', steps: [] });
    hub.emit({ type: 'progress', elapsedMs: 1, rssBytes: 1, steps: [] });
    const types: string[] = [];
    hub.events.subscribe(e => types.push(e.type));
    hub.emit({ type: 'progress', elapsedMs: 2, rssBytes: 1, steps: [] });
    hub.emit({ type: 'warning', step: 's', message: 'm' });
    expect(types).toEqual(['start', 'progress', 'warning']);
  });
});
