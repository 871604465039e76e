/**
 * The credit window of `rx` operators. RxJS has no backpressure, so a packet is pushed in only while there is credit:
 * at most `window` packets are inside or wait behind the operator. A packet that comes out gives its credit back; an
 * operator that swallows packets and gives none is given one more credit each time it has been quiet for `lingerMs`,
 * so it goes on slowly instead of hanging.
 */
import { type Observable, Subject } from 'rxjs';
import type { ObservableLike, Packet } from '../define/index.ts';

export interface WindowOptions {
  /** Packets inside at once. */
  readonly window: number;
  /** How long an operator that gives nothing may keep its credit, in milliseconds. */
  readonly lingerMs: number;
}

/**
 * Drives an `rx` operator: reads `input` as credit allows, gives what comes out. Ends when the operator completes,
 * which it should after its input has; what comes after that is not waited for.
 */
export async function* throughWindow(
  input: () => Promise<Packet | undefined>,
  pipe: (packets: Observable<Packet>) => ObservableLike<Packet>,
  options: WindowOptions,
): AsyncGenerator<Packet> {
  const subject = new Subject<Packet>();
  const out: Packet[] = [];
  let inside = 0;
  let completed = false;
  let failure: { error: unknown } | undefined;
  let wake: () => void = () => undefined;
  let lastSign = performance.now();
  const sign = (): void => {
    lastSign = performance.now();
    wake();
  };
  const subscription = pipe(subject.asObservable()).subscribe({
    next: packet => {
      out.push(packet);
      sign();
    },
    error: error => {
      failure ??= { error };
      sign();
    },
    complete: () => {
      completed = true;
      sign();
    },
  });

  let reading: Promise<void> | undefined;
  let inputEnded = false;
  const read = async (): Promise<void> => {
    const packet = await input();
    reading = undefined;
    if (packet === undefined) {
      inputEnded = true;
      subject.complete();
    } else {
      inside++;
      lastSign = performance.now();
      subject.next(packet);
    }
    wake();
  };
  const startReading = (): void => {
    reading = read().catch(error => {
      failure ??= { error };
      wake();
    });
  };

  try {
    for (;;) {
      if (failure) throw failure.error;
      const packet = out.shift();
      if (packet) {
        inside = Math.max(0, inside - 1);
        yield packet;
        continue;
      }
      if (completed) return;
      if (!inputEnded && !reading && inside < options.window) startReading();
      const quiet = inside >= options.window && !inputEnded;
      await new Promise<void>(resolve => {
        let timer: NodeJS.Timeout | undefined;
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (quiet) {
          timer = setTimeout(
            () => {
              if (performance.now() - lastSign >= options.lingerMs) inside--;
              resolve();
            },
            Math.max(1, options.lingerMs - (performance.now() - lastSign)),
          );
        }
        if (failure || out.length > 0 || completed) wake();
      });
    }
  } finally {
    subscription.unsubscribe();
    subject.complete();
  }
}
