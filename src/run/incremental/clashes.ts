/** Rows that two source rows give under one key: what is said of them, and where they go. */
import type { PlannedStep } from '../../plan/types.ts';
import type { RunContext } from '../context.ts';
import { StepError } from '../errors.ts';
import type { FlowChanges } from './flow-run.ts';
import type { Clash } from './sink-diff.ts';

/** Clashes that are named together: who gave a row is looked up in the run's journal. */
const TOGETHER = 1000;
/** Such look-ups a step. Where there are more clashes, the others say less. */
const MOST_LOOKUPS = 16;

/** The clashes of one step. The first row of a key stays; others are errors of the step. */
export class Clashes {
  readonly #step: PlannedStep;
  readonly #run: RunContext;
  readonly #changes: FlowChanges;
  #waiting: Clash[] = [];
  #lookups = 0;

  constructor(step: PlannedStep, run: RunContext, changes: FlowChanges) {
    this.#step = step;
    this.#run = run;
    this.#changes = changes;
  }

  /**
   * In a run over changes alone, which of two rows stays is left to a run over all rows, unless the step fails anyway.
   * @throws StepError where the step fails on errors
   */
  async add(clashes: readonly Clash[]): Promise<void> {
    if (clashes.length === 0) return;
    if (this.#step.onError !== 'fail' && !this.#changes.allRows) {
      this.#changes.needsAllRows = true;
      return;
    }
    this.#waiting.push(...clashes);
    if (this.#step.onError === 'fail' || this.#waiting.length >= TOGETHER) await this.settle();
  }

  /** Puts aside what waits. */
  async settle(): Promise<void> {
    const clashes = this.#waiting;
    if (clashes.length === 0) return;
    this.#waiting = [];
    const { id, onError } = this.#step;
    const some = onError === 'fail' ? clashes.slice(0, 1) : clashes;
    const rows = new Set(some.flatMap(c => [c.stays, c.goes]));
    const names =
      this.#lookups++ < MOST_LOOKUPS ? await this.#changes.namesOf(id, rows) : new Map<number, string>();
    const told = (root: number): string => names.get(root) ?? 'another row';
    const letters = some.map(({ key, stays, goes, row }) => {
      const message =
        stays === goes
          ? `${told(goes)} gives this key twice; keys must be unique`
          : `${told(stays)} and ${told(goes)} give the same key; keys must be unique`;
      return { step: id, where: key, message, row };
    });
    if (onError === 'fail') {
      const [{ where, message }] = letters;
      throw new StepError(id, message, {
        row: where,
        help: 'give one of the rows another key, or set onError: "skip" or "dead-letter" on this step to keep the first of them',
      });
    }
    this.#changes.clashed.add(id);
    await this.#run.letters(letters);
  }
}
