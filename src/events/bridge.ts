/** The two bridges between pulling (async iterables) and pushing (Observables). */
import { Observable } from 'rxjs';

/** An Observable of an async iterable's values: each subscription reads it anew, and stops reading when it ends. */
export const toObservable = <T>(iterable: AsyncIterable<T>): Observable<T> =>
  new Observable(subscriber => {
    const iterator = iterable[Symbol.asyncIterator]();
    const pull = async (): Promise<void> => {
      try {
        while (!subscriber.closed) {
          const { value, done } = await iterator.next();
          if (done) break;
          subscriber.next(value);
        }
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    };
    void pull();
    return () => {
      void iterator.return?.();
    };
  });

/**
 * An async iterable of an Observable's values. An Observable cannot be held back, so at most `limit` values wait.
 * @throws Error where more come before the reader takes them.
 */
export async function* fromObservable<T>(observable: Observable<T>, limit = 1024): AsyncGenerator<T> {
  const waiting: T[] = [];
  let done = false;
  let failure: { error: unknown } | undefined;
  let wake: () => void = () => undefined;
  const subscription = observable.subscribe({
    next: value => {
      if (waiting.length >= limit) {
        failure ??= {
          error: new Error(
            `the reader is slower than the Observable: ${limit} values wait; give a larger limit`,
          ),
        };
        subscription?.unsubscribe();
      } else waiting.push(value);
      wake();
    },
    error: error => {
      failure ??= { error };
      wake();
    },
    complete: () => {
      done = true;
      wake();
    },
  });
  try {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift() as T;
      if (failure) throw failure.error;
      if (done) return;
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  } finally {
    subscription.unsubscribe();
  }
}
