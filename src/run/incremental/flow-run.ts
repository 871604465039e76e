/** The incremental side of one run of a flow: its diffs, its journal, and what the commit record says of the ledger. */
import { join } from 'node:path';
import type { Json, SourceInstance } from '../../define/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';
import { JournalWriter, type Ledger, type LedgerChanges } from '../../state/index.ts';
import { type FlowDecision, type FlowState, flowName, flowState, rootOf } from './flow-state.ts';
import { carryIds } from './row-id.ts';
import { SinkDiff } from './sink-diff.ts';
import { type DiffCounts, SourceDiff } from './source-diff.ts';

export class FlowChanges {
  readonly decision: FlowDecision;
  readonly #flow: Flow;
  readonly #redo: boolean;
  readonly #journal: JournalWriter;
  readonly #folder: string;
  readonly #run: string;
  /** Commits in the middle so far. */
  #commits = 0;
  readonly #sources = new Map<string, SourceDiff>();
  readonly #sinks = new Map<string, SinkDiff>();

  /**
   * @param folder the pipeline's state folder
   * @param redo by source, ids of rows to work on again
   */
  constructor(
    flow: Flow,
    decision: FlowDecision,
    ledger: Ledger,
    folder: string,
    run: string,
    redo?: ReadonlyMap<string, ReadonlySet<number>>,
  ) {
    this.#flow = flow;
    this.decision = decision;
    this.#redo = redo !== undefined && redo.size > 0;
    this.#folder = folder;
    this.#run = run;
    this.#journal = new JournalWriter(join(folder, this.#journalName()));
    const roots = rootOf(flow);
    const all = decision.mode === 'full' || decision.mode === 'replay';
    const resumes = decision.mode === 'resume';
    for (const step of flow.steps) {
      const common = {
        ledger,
        journal: this.#journal,
        slot: decision.slots[step.id],
        fresh: decision.mode === 'full' || decision.fresh.has(step.id),
      };
      if (step.op.shape === 'source') {
        const nextId = decision.state?.nextId[step.id] ?? 0;
        this.#sources.set(
          step.id,
          new SourceDiff({ ...common, key: step.key, all, resumes, nextId, run, redo: redo?.get(step.id) }),
        );
      } else if (step.op.shape === 'sink' && step.op.changes) {
        const names = step.inputKeys[0];
        const key = Object.fromEntries(names.map(name => [name, step.inputs[0][name]]));
        const from = roots.get(step.id) === undefined ? 'key' : 'id';
        this.#sinks.set(step.id, new SinkDiff({ ...common, key, roots: from, complete: all }));
      }
    }
  }

  #journalName(): string {
    const flow = encodeURIComponent(flowName(this.#flow));
    return `journal-${this.#run}-${flow}${this.#commits > 0 ? `-${this.#commits}` : ''}`;
  }
  /** The flow with the ids of source rows carried through its maps. */
  get flow(): Flow {
    const gone = this.decision.mode !== 'full';
    const roots = rootOf(this.#flow);
    const carried = (step: PlannedStep): PlannedStep =>
      roots.get(step.id) === undefined ? step : carryIds(step, gone);
    return { ...this.#flow, steps: this.#flow.steps.map(carried) };
  }
  source(step: string): SourceDiff | undefined {
    return this.#sources.get(step);
  }
  sink(step: string): SinkDiff | undefined {
    return this.#sinks.get(step);
  }
  /**
   * Whether the run can commit in the middle: rows come from one source one by one, and every sink that takes changes
   * can be kept. Sinks that write their result whole do not count: they get all rows again anyway.
   */
  get interruptible(): boolean {
    const { steps } = this.#flow;
    const roots = rootOf(this.#flow);
    const sinks = steps.flatMap(s => (s.op.shape === 'sink' && s.op.changes ? [s.op] : []));
    return (
      steps.filter(s => s.op.shape === 'source').length === 1 &&
      steps.every(s => roots.get(s.id) !== undefined && s.limit === undefined) &&
      sinks.length > 0 &&
      sinks.every(op => op.resumes !== undefined)
    );
  }
  /** The steps whose sinks are kept at a commit in the middle. */
  get kept(): ReadonlySet<string> {
    return new Set(this.#flow.steps.flatMap(s => (s.op.shape === 'sink' && s.op.changes ? [s.id] : [])));
  }
  /** Whether a sink builds what it writes from nothing. */
  isFull(step: PlannedStep): boolean {
    return !(step.op.shape === 'sink' && step.op.changes) || this.decision.fresh.has(step.id);
  }
  /**
   * Whether nothing changed that any step of the flow could see, told from the signatures of its sources' parts alone.
   * Opens the sources and nothing else.
   */
  async nothingChanged(open: (step: PlannedStep) => Promise<SourceInstance>): Promise<boolean> {
    if (!this.decision.skippable || this.#redo) return false;
    for (const [id, diff] of this.#sources) {
      const source = await open(this.#flow.steps.find(s => s.id === id) as PlannedStep);
      try {
        const parts = await source.parts?.();
        if (!parts || diff.differs(parts)) return false;
      } finally {
        await source.close?.();
      }
    }
    for (const diff of this.#sources.values()) diff.counts.kept = diff.known;
    return true;
  }
  /** Lets the journal write, where it holds much. */
  drain(): Promise<void> {
    return this.#journal.drain();
  }
  /** Whether a dead letter of an earlier run speaks of something that was done again, or is gone. */
  settles(letter: { step: string; where: string; root?: { source: string; id: number } }): boolean {
    if (!this.#flow.steps.some(s => s.id === letter.step)) return false;
    if (this.decision.mode === 'full' || this.decision.mode === 'replay') return true;
    if (letter.root) return this.#sources.get(letter.root.source)?.settled(letter.root.id) ?? false;
    return this.#sources.get(letter.step)?.readPart(letter.where) ?? false;
  }
  /** Whether a dead letter's row went through in this run so far. */
  settlesNow(letter: { step: string; root?: { source: string; id: number } }): boolean {
    return (
      letter.root !== undefined && (this.#sources.get(letter.root.source)?.passed(letter.root.id) ?? false)
    );
  }
  /** The source that a step's rows come from one by one. */
  rootOf(step: string): string | undefined {
    return rootOf(this.#flow).get(step);
  }
  counts(step: string): DiffCounts | undefined {
    return this.#sources.get(step)?.counts ?? this.#sinks.get(step)?.counts;
  }

  /**
   * Ends the journal; what the commit record says of the ledger.
   * @param interim the run goes on after it
   */
  async finish(
    commit: string,
    reports: FlowState['reports'],
    work: FlowState['work'],
    interim = false,
  ): Promise<LedgerChanges> {
    await this.#journal.finish();
    const nextId = Object.fromEntries([...this.#sources].map(([id, diff]) => [id, diff.nextId]));
    const { slots, fresh, left, formerName } = this.decision;
    const state = flowState(this.#flow, commit, this.decision, nextId, reports, work, interim);
    const journal = this.#journalName();
    const clear = this.#commits === 0 ? [...[...fresh].map(id => slots[id]), ...left] : [];
    if (interim) {
      this.#commits++;
      this.#journal.next(join(this.#folder, this.#journalName()));
    }
    const meta: Record<string, Json> = { slots, [`flow:${flowName(this.#flow)}`]: state as unknown as Json };
    if (formerName !== undefined) meta[`flow:${formerName}`] = null;
    return { journal, clear, meta };
  }
  abort(): Promise<void> {
    return this.#journal.abort();
  }
}
