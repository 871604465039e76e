/** Rows that fail on their way to the dead letters, or to a count. */
import type { DeadLetterBox } from '../state/index.ts';
import type { Letter } from './chain.ts';
import { idsIn, withoutRowIds } from './incremental/row-id.ts';
import type { StepMeter } from './meter.ts';

/**
 * Counts letters, and puts aside those of steps that keep them.
 * @param rootOf the source that a step's rows come from one by one
 * @returns a promise, which never rejects, where many wait to be written
 */
export function keepLetters(
  letters: readonly Letter[],
  meters: ReadonlyMap<string, StepMeter>,
  box: DeadLetterBox,
  rootOf: (step: string) => string | undefined,
): Promise<void> | undefined {
  const time = new Date().toISOString();
  const dead = letters.flatMap(letter => {
    const meter = meters.get(letter.step) as StepMeter;
    if (meter.step.onError === 'skip') {
      meter.skipped++;
      return [];
    }
    meter.deadLetters++;
    const row = letter.row && withoutRowIds(letter.row);
    const source = rootOf(letter.step);
    const [rowId] = idsIn(letter.row);
    const root = source !== undefined && rowId !== undefined ? { source, id: rowId } : undefined;
    return [{ ...letter, row, root, time, fingerprint: meter.step.rowFingerprint }];
  });
  return box.add(dead);
}
