/** What stages share in a run of a flow: the abort signal, where letters and warnings go, and breath for the loop. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Json, OpenContext, PlanContext, StepState } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Letter } from './chain.ts';
import type { Channel, END } from './channel.ts';
import type { StepMeter } from './meter.ts';
import type { Packet } from './packet.ts';

export interface RunContext {
  readonly root: string;
  readonly signal: AbortSignal;
  /** The module whose `operators` a worker loads. */
  readonly registryUrl: string;
  meter(step: string): StepMeter;
  /** Puts letters aside. Gives a promise, which never rejects, where many wait to be written: await it. */
  letters(letters: readonly Letter[]): Promise<void> | undefined;
  warn(step: string, message: string): void;
  /** Called when a step has opened. */
  opened(step: string, ms: number): void;
  /** Temporary folders to remove at the end. */
  readonly tempFolders: string[];
}

/** What the planner's functions of an operator get. */
export const planContext = (root: string): PlanContext => ({ root, path: p => resolve(root, p) });

/** What an operator gets when it is opened. */
export function openContext(
  step: PlannedStep,
  run: Pick<RunContext, 'root' | 'signal' | 'warn' | 'tempFolders'>,
  full = true,
  from?: Json,
  state?: StepState,
  keepsRows = false,
): OpenContext {
  let temp: Promise<string> | undefined;
  return {
    step: step.id,
    root: run.root,
    path: relative => resolve(run.root, relative),
    memory: step.memory,
    tempFolder: () => {
      temp ??= mkdtemp(join(tmpdir(), 'millrace-')).then(folder => {
        run.tempFolders.push(folder);
        return folder;
      });
      return temp;
    },
    signal: run.signal,
    warn: message => run.warn(step.id, message),
    full,
    from,
    state,
    keepsRows,
    inputs: step.inputs,
    keys: step.inputKeys,
  };
}

/** Takes from a channel and counts the wait. */
export function receive(
  channel: Channel<Packet>,
  meter: StepMeter,
): Packet | typeof END | Promise<Packet | typeof END> {
  const got = channel.receive();
  if (!(got instanceof Promise)) return got;
  const started = performance.now();
  meter.waitsIn++;
  return got.finally(() => {
    meter.waitsIn--;
    meter.hops++;
    meter.waitInMs += performance.now() - started;
  });
}
