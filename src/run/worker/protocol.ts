/** What the main thread and a worker say to each other. Batches travel as one exact Arrow IPC buffer, transferred. */
import type { Json } from '../../define/index.ts';
import type { StepCount } from '../chain.ts';

/** A step as a worker can build it: names and plain data only. */
export interface WorkerStep {
  readonly id: string;
  readonly op: string;
  /** Raw `with`; the worker parses it with the operator's own schema. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Everything else of the planned step that is plain data. */
  readonly planned: string;
}

export interface WorkerSetup {
  readonly registryUrl: string;
  /** Files of users' own operators. */
  readonly modules: readonly string[];
  readonly root: string;
  readonly steps: readonly WorkerStep[];
  /** `chain` works through maps; `sink` and `stream` own one step's state. */
  readonly role: 'chain' | 'sink' | 'stream';
  readonly full: boolean;
  readonly from?: Json;
}

/** A change whose batches are encoded. */
export interface WireChange {
  readonly upserts?: ArrayBuffer;
  readonly deletes?: ArrayBuffer;
  readonly gone?: ArrayBuffer;
}

export type Request =
  | { readonly id: number; readonly call: 'batch'; readonly batch: ArrayBuffer }
  | { readonly id: number; readonly call: 'raw'; readonly raw: Uint8Array; readonly meta: Json }
  | { readonly id: number; readonly call: 'write'; readonly change: WireChange; readonly input: number }
  | { readonly id: number; readonly call: 'has'; readonly keys: ArrayBuffer }
  | { readonly id: number; readonly call: 'keep'; readonly token: Json }
  | { readonly id: number; readonly call: 'end' | 'prepare' | 'report' | 'abort' | 'close' }
  /** The run was aborted: heard at once, whatever waits before it, and never answered. */
  | { readonly id: -1; readonly call: 'stop' };

export interface WireLetter {
  readonly step: string;
  readonly where: string;
  readonly message: string;
  readonly row?: ArrayBuffer;
  readonly record?: string;
}

export interface WireResult {
  readonly batch?: ArrayBuffer;
  readonly gone: readonly ArrayBuffer[];
  readonly letters: readonly WireLetter[];
  readonly counts: readonly StepCount[];
}

export interface WireError {
  readonly message: string;
  readonly name: string;
  readonly help?: string;
  readonly step?: string;
  readonly row?: string;
  readonly stack?: string;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError }
  | { readonly id: -1; readonly warning: string; readonly step: string }
  | { readonly id: -2; readonly ready: true };
