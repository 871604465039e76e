/** The run's own Observables: events, and taps into what a step gives. */
import type { RecordBatch } from 'apache-arrow';
import { Observable, ReplaySubject } from 'rxjs';
import type { RunEvent } from './types.ts';

/** A run may have millions of bad rows: so many of them, and of warnings, are kept for those who subscribe late. */
const MOST_KEPT = 100;

export class EventHub {
  // those who subscribe after the start still hear of it; progress is a number on a screen and is not kept
  readonly #kept = new ReplaySubject<RunEvent>();
  readonly #counts = new Map<RunEvent['type'], number>();
  readonly #listeners = new Set<(event: RunEvent) => void>();
  #ended = false;

  emit(event: RunEvent): void {
    if (this.#ended) return;
    if (this.#keeps(event)) this.#kept.next(event);
    else for (const listener of this.#listeners) listener(event);
    if (event.type === 'end') {
      this.#ended = true;
      this.#kept.complete();
    }
  }

  #keeps({ type }: RunEvent): boolean {
    if (type === 'progress') return false;
    if (type !== 'dead-letter' && type !== 'warning') return true;
    const count = this.#counts.get(type) ?? 0;
    this.#counts.set(type, count + 1);
    return count < MOST_KEPT;
  }

  readonly events: Observable<RunEvent> = new Observable(subscriber => {
    const listener = (event: RunEvent): void => subscriber.next(event);
    this.#listeners.add(listener);
    const subscription = this.#kept.subscribe(subscriber);
    return () => {
      this.#listeners.delete(listener);
      subscription.unsubscribe();
    };
  });
}

/** Batches as they pass: `attach` registers a listener and gives what removes it; `ended` says that no more come. */
export const tapOf = (
  attach: (listener: (batch: RecordBatch) => void) => () => void,
  ended: Promise<unknown>,
): Observable<RecordBatch> =>
  new Observable(subscriber => {
    const detach = attach(batch => subscriber.next(batch));
    const complete = (): void => subscriber.complete();
    ended.then(complete, complete);
    return detach;
  });
