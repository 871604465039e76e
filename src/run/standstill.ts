/**
 * The last guard against a run that stands still. Where rows part and meet again, a branch that gives nothing for rows
 * it took (it groups, or drops them and does not say so) lets the join wait for rows that never come, while the fork
 * waits for room before the join. `check` refuses what it can tell from declarations; this tells the rest from what is
 * so: every stage waits for another, and nothing has moved for a while.
 */
import type { PlannedStep } from '../plan/types.ts';
import { StepError } from './errors.ts';
import type { StepMeter } from './meter.ts';

/** How long nothing may move, and how often to look. */
export const STILL_MS = 5000;
const LOOK_MS = 500;

const HELP =
  'put the step that holds rows back above the place where they part, give its branch a source of its own, or let the run have more memory';

/** Whether nothing in a stage will go on by itself. */
const isWaiting = (stage: readonly StepMeter[]): boolean =>
  stage.every(m => m.working === 0) && stage.some(m => m.waitsIn + m.waitsOut > 0);

/** Watches stages (the meters of their steps) until the function it gives is called. `fail` gets the error, once. */
export function guardStandstill(
  stages: readonly (readonly StepMeter[])[],
  fail: (error: StepError) => void,
  stillMs = STILL_MS,
): () => void {
  let since = performance.now();
  let moved = -1;
  const timer = setInterval(() => {
    const going = stages.filter(stage => stage.some(m => m.state === 'running'));
    const running = going.flat();
    const now = running.reduce((sum, m) => sum + m.batchesIn + m.batchesOut + m.hops, 0);
    const stuck = going.length > 0 && going.every(isWaiting);
    if (!stuck || now !== moved) {
      moved = now;
      since = performance.now();
      return;
    }
    if (performance.now() - since < stillMs) return;
    clearInterval(timer);
    fail(standsStill(running));
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function standsStill(meters: readonly StepMeter[]): StepError {
  const named = (step: PlannedStep): string => `"${step.id}" (${step.op.name})`;
  const list = (steps: readonly StepMeter[]): string => steps.map(m => named(m.step)).join(', ');
  const forRoom = meters.filter(m => m.waitsOut > 0);
  const forRows = meters.filter(m => m.waitsOut === 0 && m.waitsIn > 0);
  const meet = forRows.find(m => m.step.from.length > 1) ?? forRows[0] ?? meters[0];
  const room = forRoom.length > 0 ? `${list(forRoom)} waits for room, ` : '';
  return new StepError(
    meet.step.id,
    `the run stands still: ${room}${list(forRows)} waits for rows that do not come`,
    { help: HELP },
  );
}
