/** What the run's thread and the one that fills the ledger tell each other. */

/** To the thread: entries of a journal, to put all it has into the store, or that there are no more. */
export type ToFiller =
  | { readonly entries: Uint8Array }
  | { readonly settle: true }
  | { readonly end: 'keep' | 'drop' };

/** From the thread: bytes it has taken, an answer to `settle`, that the store is closed, or what went wrong. */
export type FromFiller =
  | { readonly taken: number }
  | { readonly settled: true }
  | { readonly ended: true }
  | { readonly error: { readonly message: string; readonly code?: string | number } };
