/**
 * Memory in fixed shares, with no common pool, so that no wait cycle can go through one. What operators hold whatever
 * flows (`fixedBytes`, once a worker) is taken first, then what steps ask for; the rest is cut into equal units. An
 * edge gets two (a batch in it and one on its way), a stage one for each batch that it may hold at once: input and
 * output of every batch in work, finished ones that wait for their turn, one that is being put together. Steps with
 * state (sinks, streams, joins) get more, since that is where bytes gather.
 */
import { size } from './describe.ts';

/** The least that an edge gets, and a unit in general. */
export const LEAST_UNIT = 64 * 1024;
/**
 * More than this in a channel makes nothing faster: a sender that is a little quicker than its receiver only fills it,
 * sooner or later, so a long run would take more memory than a short one. The rest goes to the stages.
 */
export const MOST_EDGE = 4 * 2 ** 20;
/** Before a join a branch may have to wait for another: here room is worth something. */
export const MOST_EDGE_BY_JOIN = 64 * 2 ** 20;

const EDGE_UNITS = 2;
const STATE_UNITS = 8;

/** What the shares of a step depend on. */
export interface MemoryStep {
  readonly id: string;
  readonly shape: 'source' | 'map' | 'stream' | 'join' | 'sink' | 'rx';
  readonly parallel: number;
  readonly where: 'main' | 'worker';
  readonly order: 'keep' | 'free';
  /** Whether batches are cut and put together before it. */
  readonly rebatches: boolean;
  /** What the instances of one thread hold together whatever flows. */
  readonly fixedBytes: number;
  /** What the step asks for, for all its instances. */
  readonly asked?: number;
}

export interface MemoryShares {
  /** Bytes of each edge, as given. */
  readonly edges: readonly number[];
  /** Bytes of one instance of each step, fixed bytes included. */
  readonly steps: readonly number[];
}

/** Why memory does not suffice; `step` where it is that step's own `memory`. */
export interface MemoryProblem {
  readonly step?: string;
  readonly message: string;
  readonly help: string;
  /** What would suffice. */
  readonly needed: number;
}

/** Threads of an operator: what it holds whatever flows it holds once in each. */
export const instances = (step: Pick<MemoryStep, 'where' | 'parallel'>): number =>
  step.where === 'worker' ? step.parallel : 1;

/** Instances of an operator: one a worker, and on the main thread one a parallel part of a map. */
export const parts = (step: Pick<MemoryStep, 'where' | 'parallel' | 'shape'>): number =>
  step.where === 'worker' || step.shape === 'map' ? step.parallel : 1;

/** Units of a stage: the batches it may hold at once. */
export function stageUnits(step: MemoryStep): number {
  const inWork = 2 * step.parallel;
  const waiting = step.order === 'keep' && step.parallel > 1 ? step.parallel : 0;
  const gathered = step.rebatches ? 1 : 0;
  const state = step.shape === 'sink' || step.shape === 'stream' || step.shape === 'join' ? STATE_UNITS : 0;
  return inWork + waiting + gathered + state;
}

/** Shares out the memory of one flow; the shares of edges and instances add up to `total` at most. */
export function shareMemory(
  total: number,
  steps: readonly MemoryStep[],
  edges: number,
): { shares?: MemoryShares; problem?: MemoryProblem } {
  const short = steps.find(s => s.asked !== undefined && s.asked < needs(s));
  if (short) return { problem: stepTooSmall(short) };
  const free = steps.filter(s => s.asked === undefined);
  const fixed = free.reduce((sum, s) => sum + s.fixedBytes * instances(s), 0);
  const asked = steps.reduce((sum, s) => sum + (s.asked ?? 0), 0);
  const units = free.reduce((sum, s) => sum + stageUnits(s), 0) + edges * EDGE_UNITS;
  const needed = fixed + asked + units * LEAST_UNIT;
  if (needed > total) return { problem: tooSmall(total, needed, steps) };

  const rest = total - fixed - asked;
  const most = steps.some(s => s.shape === 'join') ? MOST_EDGE_BY_JOIN : MOST_EDGE;
  const edge = Math.min(most, Math.floor((rest / Math.max(units, 1)) * EDGE_UNITS));
  const stages = rest - edge * edges;
  const stageSum = units - edges * EDGE_UNITS;
  const share = (s: MemoryStep): number => {
    if (s.asked !== undefined)
      return s.fixedBytes + Math.floor((s.asked - s.fixedBytes * instances(s)) / parts(s));
    return s.fixedBytes + Math.floor((stages * stageUnits(s)) / stageSum / parts(s));
  };
  return { shares: { edges: Array.from({ length: edges }, () => edge), steps: steps.map(share) } };
}

const needs = (s: MemoryStep): number => s.fixedBytes * instances(s) + stageUnits(s) * LEAST_UNIT;

function stepTooSmall(step: MemoryStep): MemoryProblem {
  const needed = needs(step);
  return {
    step: step.id,
    needed,
    message: `memory: ${size(step.asked ?? 0)} is too little: ${fixedText(step)}${size(needed)} is the least`,
    help: `say memory: ${JSON.stringify(roundUp(needed))}, or leave it out`,
  };
}

function fixedText(step: MemoryStep): string {
  if (step.fixedBytes === 0) return '';
  const workers = instances(step);
  const each = workers > 1 ? ` in each of ${workers} workers` : '';
  return `it holds ${size(step.fixedBytes)}${each} whatever flows, and `;
}

function tooSmall(total: number, needed: number, steps: readonly MemoryStep[]): MemoryProblem {
  const holders = steps
    .map(s => ({ id: s.id, bytes: s.asked ?? s.fixedBytes * instances(s), workers: instances(s) }))
    .filter(s => s.bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map(s => `${JSON.stringify(s.id)} ${size(s.bytes)}${s.workers > 1 ? ` in ${s.workers} workers` : ''}`);
  const most = holders.length > 0 ? `; most of it for ${holders.join(', ')}` : '';
  return {
    needed,
    message: `memory: ${size(total)} is too little: these steps need ${size(needed)} at the least${most}`,
    help: `say memory: ${JSON.stringify(roundUp(needed))}${holders.length > 0 ? ', or fewer workers' : ''}`,
  };
}

/** The next whole MiB or GiB, as one would write it. */
function roundUp(bytes: number): string {
  const mib = Math.ceil(bytes / 2 ** 20);
  return mib >= 4096 ? `${Math.ceil(mib / 1024)} GiB` : `${mib} MiB`;
}
