/** The commits of a run: its record first, then sinks and ledger follow; and what comes after one and may fail. */
import type { PlanContext, Report } from '../define/index.ts';
import type { EventHub } from '../events/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import {
  commit,
  type DeadLetterBox,
  partName,
  readCommits,
  removeDeadLetters,
  withState,
} from '../state/index.ts';
import { isCostly } from './cost.ts';
import { stepError } from './errors.ts';
import type { FlowControl } from './flow-control.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import type { KeptState } from './kept-state.ts';
import type { StepMeter } from './meter.ts';
import { Stopwatch } from './stopwatch.ts';

export interface CommittingOptions {
  /** The run's id. */
  readonly id: string;
  readonly folder: string;
  readonly ctx: PlanContext;
  readonly steps: readonly PlannedStep[];
  readonly meters: ReadonlyMap<string, StepMeter>;
  readonly reports: Readonly<Record<string, Report>>;
  readonly box: DeadLetterBox;
  readonly state: KeptState;
  readonly hub: EventHub;
  readonly warn: (step: string, message: string) => void;
}

const SETTLED_STAY = 'dead letters of rows that went through stay on the list';

export class Committing {
  readonly #o: CommittingOptions;
  /** The time that commits take. */
  readonly watch = new Stopwatch();
  /** Sinks of a commit that is under way. */
  unfinished: readonly string[] = [];
  #interim = 0;

  constructor(options: CommittingOptions) {
    this.#o = options;
  }

  /** Whether the record of a flow is this run's: then what its sinks have prepared is not theirs to drop. */
  async isRecorded(flow: string): Promise<boolean> {
    try {
      const commits = await readCommits(this.#o.folder);
      return [flow, partName(flow)].some(name => commits[name]?.id === this.#o.id);
    } catch {
      // a file too many is better than one too few
      return true;
    }
  }

  /** See {@link FlowControl.commit}. */
  readonly commit: FlowControl['commit'] = (...what) => this.watch.time(() => this.#commit(...what));

  async #commit(
    ...[flow, sinks, positions, changes, keep]: Parameters<FlowControl['commit']>
  ): Promise<void> {
    const { id, folder, ctx, steps, reports, box, state, hub } = this.#o;
    await box.settle();
    // nothing to publish, and nothing to remember
    if (!changes && sinks.length === 0) return;
    const interim = keep !== undefined || undefined;
    const ops = new Map(steps.map(s => [s.id, s.op]));
    const told = sinks.flatMap(({ step }) => {
      const report = reports[step];
      return report ? [[step, { data: report.data, text: report.text }] as const] : [];
    });
    const commitId = keep ? `${id}/${++this.#interim}` : id;
    const ledger = await changes?.finish(commitId, Object.fromEntries(told), this.#work(), interim);
    const time = new Date().toISOString();
    const replaces = changes?.decision.formerName;
    if (!interim) this.unfinished = sinks.map(s => s.step);
    await commit(
      folder,
      changes ? flow : partName(flow),
      { id: commitId, time, sinks, positions, ledger, replaces, interim, passing: !changes || undefined },
      {
        keep,
        publish: async sink => {
          const op = ops.get(sink.step);
          try {
            if (op?.shape === 'sink') await op.publish?.(sink.params, sink.token, ctx);
          } catch (error) {
            throw stepError(sink.step, error);
          }
        },
        ledger: record => state.follow(record),
      },
    );
    this.unfinished = [];
    for (const [step, position] of Object.entries(positions)) hub.emit({ type: 'position', step, position });
    if (interim) await this.#settleLetters(sinks[0]?.step ?? '', l => !!changes?.settlesNow(l));
    const tokens = Object.fromEntries(sinks.map(s => [s.step, s.token]));
    hub.emit({ type: 'commit', id: commitId, sinks: tokens, interim });
  }
  // what the steps have done so far
  #work(): Parameters<FlowChanges['finish']>[2] {
    return Object.fromEntries(
      [...this.#o.meters.values()].map(m => [
        m.step.id,
        {
          rowsIn: m.rowsIn,
          rowsOut: m.rowsOut,
          busySeconds: m.busyMs / 1000,
          tokens: isCostly(m.step) && !Number.isNaN(m.tokens) ? m.tokens : undefined,
          bad: m.deadLetters + m.skipped || undefined,
        },
      ]),
    );
  }

  /** Takes letters of earlier runs off the list whose rows went through, or are gone. */
  settleLetters(step: string, changes: FlowChanges): Promise<void> {
    return this.#settleLetters(step, l => changes.settles(l));
  }
  #settleLetters(
    step: string,
    settles: (l: Parameters<FlowChanges['settles']>[0]) => boolean,
  ): Promise<void> {
    const { folder, id } = this.#o;
    return this.after(step, SETTLED_STAY, () =>
      withState(folder, () => removeDeadLetters(folder, (l, run) => run !== id && settles(l))),
    );
  }

  /** Work that follows a commit: where it fails it costs a later run some work, and is no failure. */
  async after(step: string, what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await this.watch.time(work);
    } catch (error) {
      this.#o.warn(step, `committed, but ${what}: ${(error as Error).message}`);
    }
  }
}
