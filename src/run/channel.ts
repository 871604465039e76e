/**
 * A bounded edge between two stages: as many items as fit into so many bytes. `send` and `receive` answer at once
 * where they can and give a promise only where they must wait, so a hop costs less than a microtask when data flows.
 */

/** What `receive` gives when the channel was closed and everything was taken. */
export const END: unique symbol = Symbol('end of channel');

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Channel<T> {
  readonly capacity: number;
  #items: { item: T; bytes: number }[] = [];
  #head = 0;
  #held = 0;
  #peak = 0;
  #closed = false;
  #failure: { error: unknown } | undefined;
  #senders: Waiting<T>[] = [];
  #receiver: { resolve: (item: T | typeof END) => void; reject: (error: unknown) => void } | undefined;

  /** @param capacity bytes; an item larger than that passes when the channel is empty */
  constructor(capacity: number) {
    this.capacity = capacity;
  }
  /** Bytes in the channel now. */
  get held(): number {
    return this.#held;
  }
  /** The most bytes it ever held. */
  get peak(): number {
    return this.#peak;
  }
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Gives nothing where there was room, else a promise that resolves once the item is in. */
  send(item: T, bytes: number): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#closed) return Promise.reject(new Error('the channel is closed'));
    if (this.#receiver) {
      const { resolve } = this.#receiver;
      this.#receiver = undefined;
      if (bytes > this.#peak) this.#peak = bytes;
      resolve(item);
      return undefined;
    }
    if (this.#senders.length === 0 && this.#fits(bytes)) {
      this.#put(item, bytes);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#senders.push({ item, bytes, resolve, reject });
    });
  }

  #fits(bytes: number): boolean {
    return this.length === 0 || this.#held + bytes <= this.capacity;
  }
  #put(item: T, bytes: number): void {
    this.#items.push({ item, bytes });
    this.#held += bytes;
    if (this.#held > this.#peak) this.#peak = this.#held;
  }

  /** The next item, {@link END}, or a promise of either. One receiver at a time. */
  receive(): T | typeof END | Promise<T | typeof END> {
    if (this.#head < this.#items.length) return this.#take();
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#closed) return END;
    if (this.#receiver) throw new Error('a channel has one receiver at a time');
    return new Promise((resolve, reject) => {
      this.#receiver = { resolve, reject };
    });
  }

  #take(): T {
    const { item, bytes } = this.#items[this.#head];
    this.#items[this.#head++] = undefined as never;
    if (this.#head === this.#items.length || this.#head > 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#held -= bytes;
    while (this.#senders.length > 0 && this.#fits(this.#senders[0].bytes)) {
      const waiting = this.#senders.shift() as Waiting<T>;
      this.#put(waiting.item, waiting.bytes);
      waiting.resolve();
    }
    return item;
  }

  /** No more will be sent; what is in it can still be taken. */
  close(): void {
    this.#closed = true;
    if (this.#receiver && this.length === 0) {
      this.#receiver.resolve(END);
      this.#receiver = undefined;
    }
  }

  /** Drops what is in it; waiting and later senders and receivers get the error. */
  fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#items = [];
    this.#head = 0;
    this.#held = 0;
    for (const waiting of this.#senders.splice(0)) waiting.reject(error);
    this.#receiver?.reject(error);
    this.#receiver = undefined;
  }
}
