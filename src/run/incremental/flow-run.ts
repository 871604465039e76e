/** The incremental side of one run of a flow: its diffs, its journal, and what the commit record says of the ledger. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, SourceInstance } from '../../define/index.ts';
import type { Flow, PlannedStep } from '../../plan/types.ts';
import { JournalWriter, type Ledger, type LedgerChanges, TABLE } from '../../state/index.ts';
import { type FlowState, flowName } from './flow-memory.ts';
import { type FlowDecision, flowState, remembersRows, rootOf, takesChanges } from './flow-state.ts';
import { Overlay, type OverlayOptions } from './overlay.ts';
import { ownKeys } from './own-keys.ts';
import type { Slots } from './remembered.ts';
import { carryIds } from './row-id.ts';
import { namesOf } from './row-names.ts';
import { SinkDiff } from './sink-diff.ts';
import { type DiffCounts, SourceDiff } from './source-diff.ts';
import { SourceParts } from './source-parts.ts';
import { type StreamDiff, StreamIds } from './stream-diff.ts';

/** Memory of a pipeline from which on a thread may fill the ledger: it takes up to 100 MiB. */
const AHEAD_FROM = 768 << 20;

export interface FlowChangesOptions {
  readonly flow: Flow;
  readonly decision: FlowDecision;
  readonly ledger: Ledger;
  /** The pipeline's state folder. */
  readonly folder: string;
  /** The run's id. */
  readonly run: string;
  /** Ids of all steps of the pipeline. */
  readonly steps: ReadonlySet<string>;
  /** Every flow of the pipeline does everything anew. */
  readonly full: boolean;
  /** Rows to work on again: ids by source, or, where none are known, the step that they failed at. */
  readonly redo?: ReadonlyMap<string, ReadonlySet<number | string>>;
  /** Sources are read whatever their parts' signatures say. */
  readonly recheck?: boolean;
}

export class FlowChanges {
  readonly decision: FlowDecision;
  /** False where the flow writes all it gives whole: then rows have no ids, and only parts of sources are known. */
  readonly remembersRows: boolean;
  /** Steps at which two rows gave one key. */
  readonly clashed = new Set<string>();
  readonly #flow: Flow;
  readonly #ledger: Ledger;
  readonly #steps: ReadonlySet<string>;
  readonly #all: boolean;
  readonly #redo: boolean;
  readonly #recheck: boolean;
  readonly #journal: JournalWriter;
  readonly #folder: string;
  readonly #scratch: string;
  readonly #run: string;
  readonly #unread = new Map<string, DiffCounts>();
  /** Commits in the middle so far. */
  #commits = 0;
  readonly #sources = new Map<string, SourceDiff>();
  readonly #parts = new Map<string, SourceParts>();
  readonly #sinks = new Map<string, SinkDiff>();
  readonly #streams = new Map<string, StreamDiff>();
  readonly #overlays: Overlay[] = [];
  readonly #openSources = new Map<string, SourceInstance>();
  /** Whether entries go into the ledger before the first commit. */
  #wentAhead = false;
  #needsAllRows = false;
  #settling: Promise<void> = Promise.resolve();

  constructor({
    flow,
    decision,
    ledger,
    folder,
    run,
    steps,
    full,
    redo,
    recheck = false,
  }: FlowChangesOptions) {
    this.#flow = flow;
    this.decision = decision;
    this.#ledger = ledger;
    this.#steps = steps;
    this.#all = full;
    this.#recheck = recheck;
    const again = (step: string): ReadonlySet<number | string> | undefined => {
      const sets = [...(redo ?? [])].flatMap(([id, ids]) => (this.#nowId(id) === step ? [ids] : []));
      return sets.length > 1 ? new Set(sets.flatMap(ids => [...ids])) : sets[0];
    };
    this.#redo = flow.steps.some(s => again(s.id));
    this.#folder = folder;
    this.#scratch = join(folder, `scratch-${run}`);
    this.#run = run;
    this.#journal = new JournalWriter(join(folder, this.#journalName()));
    const roots = rootOf(flow);
    const all = decision.mode === 'full' || decision.mode === 'replay';
    const resumes = decision.mode === 'resume';
    this.remembersRows = remembersRows(flow);
    for (const step of flow.steps) {
      const common = {
        ledger,
        journal: this.#journal,
        slot: decision.slots[step.id],
        fresh: decision.mode === 'full' || decision.fresh.has(step.id),
      };
      if (!this.remembersRows) {
        if (step.op.shape === 'source') this.#parts.set(step.id, new SourceParts(common));
      } else if (step.op.shape === 'source') {
        const nextId = decision.state?.nextId[step.id] ?? 0;
        this.#sources.set(
          step.id,
          new SourceDiff({
            ...common,
            key: step.key,
            columns: step.output,
            all,
            resumes,
            nextId,
            run,
            redo: again(step.id),
            recheck,
          }),
        );
      } else if (step.op.shape === 'sink' && step.op.changes) {
        const names = step.op.key?.(step.params, step.inputKeys[0]) ?? step.inputKeys[0];
        const key = Object.fromEntries(names.map(name => [name, step.inputs[0][name]]));
        const root = roots.get(step.id);
        const own = root !== undefined && ownKeys(flow, step, root, names);
        const overlay = this.#overlay(root, { ...common, table: TABLE.children });
        const from = root === undefined ? 'key' : 'id';
        this.#sinks.set(
          step.id,
          new SinkDiff({ ...common, key, roots: from, ownKeys: own, complete: all, overlay }),
        );
      } else if (takesChanges(step) && roots.get(step.id) !== undefined) {
        // over all rows a stream begins from nothing, but its rows keep their ids
        const anew = { ...common, fresh: all };
        const key = Object.fromEntries(step.inputKeys[0].map(name => [name, step.inputs[0][name]]));
        const root = roots.get(step.from[0]);
        const own = root !== undefined && ownKeys(flow, step, root, step.inputKeys[0]);
        const overlay = this.#overlay(root, { ...anew, table: TABLE.children });
        const state = new Overlay({ ...anew, table: TABLE.state, folder: () => this.#scratch });
        this.#overlays.push(state);
        const nextId = decision.state?.nextId[step.id] ?? 0;
        this.#streams.set(step.id, {
          input: new SinkDiff({ ...anew, key, roots: 'id', ownKeys: own, complete: false, overlay }),
          ids: new StreamIds({ ...common, key: step.key, complete: all, nextId }),
          state,
        });
      }
    }
  }

  /**
   * Before a run: where the ledger does not know any of the steps, what is learned goes into it while the run goes on.
   * @param memory bytes that the pipeline may take
   */
  async begin(memory: number): Promise<void> {
    if (memory < AHEAD_FROM) return;
    const { mode, slots } = this.decision;
    const own = this.#flow.steps.map(s => slots[s.id]);
    if (mode !== 'full' || !this.remembersRows || this.#unknownSlots().length < own.length) return;
    this.#journal.goAhead(await this.#ledger.ahead(own, join(this.#scratch, 'ahead')));
    this.#wentAhead = true;
  }
  // slots of the flow's steps that the ledger has given to none yet
  #unknownSlots(): number[] {
    const known = new Set(Object.values(this.#ledger.meta<Slots>('slots') ?? {}));
    return this.#flow.steps.map(s => this.decision.slots[s.id]).filter(slot => !known.has(slot));
  }
  // behind a stream a root may be given, deleted and given again in one run
  #overlay(root: string | undefined, options: Omit<OverlayOptions, 'folder'>): Overlay | undefined {
    if (root === undefined || this.#sources.has(root)) return undefined;
    const overlay = new Overlay({ ...options, folder: () => this.#scratch });
    this.#overlays.push(overlay);
    return overlay;
  }
  #journalName(): string {
    const flow = encodeURIComponent(flowName(this.#flow));
    return `journal-${this.#run}-${flow}${this.#commits > 0 ? `-${this.#commits}` : ''}`;
  }
  /** The flow with the ids of source rows carried through its maps. */
  get flow(): Flow {
    if (!this.remembersRows) return this.#flow;
    const gone = this.decision.mode !== 'full';
    const roots = rootOf(this.#flow);
    const carried = (step: PlannedStep): PlannedStep =>
      roots.get(step.id) === undefined ? step : carryIds(step, gone);
    return { ...this.#flow, steps: this.#flow.steps.map(carried) };
  }
  source(step: string): SourceDiff | undefined {
    return this.#sources.get(step);
  }
  /** A source of which only the parts are remembered. */
  parts(step: string): SourceParts | undefined {
    return this.#parts.get(step);
  }
  stream(step: string): StreamDiff | undefined {
    return this.#streams.get(step);
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
      steps.every(s => ['source', 'map', 'sink'].includes(s.op.shape) && roots.get(s.id) !== undefined) &&
      steps.every(s => s.limit === undefined) &&
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
   * Opens the sources and nothing else; where something changed they stay open for the pass, see {@link takeSource}.
   */
  async nothingChanged(open: (step: PlannedStep) => Promise<SourceInstance>): Promise<boolean> {
    if (!this.decision.skippable || this.#redo || this.#recheck) return false;
    for (const [id, diff] of [...this.#sources, ...this.#parts]) {
      const source = await open(this.#flow.steps.find(s => s.id === id) as PlannedStep);
      this.#openSources.set(id, source);
      const parts = await source.parts?.();
      if (!parts || diff.differs(parts)) return false;
    }
    await this.#closeSources();
    for (const diff of this.#sources.values()) diff.counts.kept = diff.known;
    for (const id of this.#parts.keys()) {
      const kept = this.decision.state?.work[id]?.rowsOut ?? 0;
      this.#unread.set(id, { added: 0, changed: 0, deleted: 0, kept });
    }
    return true;
  }
  /** A source that is open already, for whoever takes it, once. */
  takeSource(step: string): SourceInstance | undefined {
    const source = this.#openSources.get(step);
    this.#openSources.delete(step);
    return source;
  }
  async #closeSources(): Promise<void> {
    const sources = [...this.#openSources.values()];
    this.#openSources.clear();
    for (const source of sources) await source.close?.();
  }
  /** Whether every row goes through in this run. */
  get allRows(): boolean {
    return this.decision.mode === 'full' || this.decision.mode === 'replay';
  }
  /** True where what was done must be dropped and done over every row. */
  get needsAllRows(): boolean {
    return this.#needsAllRows || [...this.#sources.values()].some(s => s.needsAllRows);
  }
  set needsAllRows(needed: boolean) {
    this.#needsAllRows = needed;
  }

  /** The keys, for people, of rows that a step's rows come from: a source's, or a stream's. */
  async namesOf(step: string, ids: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    const planned = this.#flow.steps.find(s => s.id === step);
    const root = rootOf(this.#flow).get(planned?.op.shape === 'sink' ? step : (planned?.from[0] ?? ''));
    if (root === undefined) return new Map();
    const fresh = this.decision.mode === 'full' && this.#commits === 0 && !this.#wentAhead;
    return namesOf(fresh ? undefined : this.#ledger, this.#journal, this.decision.slots[root], ids);
  }

  /** Lets the journal write, where it holds much. */
  async drain(): Promise<void> {
    for (const overlay of this.#overlays) await overlay.drain();
    await this.#journal.drain();
  }
  /** After the last row, before sinks make ready what they wrote: the ledger can be filled beside that. */
  async rowsEnd(): Promise<void> {
    for (const overlay of this.#overlays) await overlay.finish(this.#journal);
    const { done } = await this.#journal.settle();
    // what goes wrong is told when the journal ends
    done.catch(() => undefined);
    this.#settling = done;
  }
  /** The id that a step of this flow has now; undefined for one that it does not have. */
  #nowId(id: string): string | undefined {
    const { steps } = this.#flow;
    const before = this.decision.state?.steps;
    return (steps.find(s => s.id === id) ?? steps.find(s => before?.[s.id]?.was?.includes(id)))?.id;
  }
  /** Whether the ledger knows a step, under an id of now or of before, of another flow. */
  #isOthers(id: string): boolean {
    const own = [flowName(this.#flow), this.decision.formerName].map(name => `flow:${name}`);
    return this.#ledger.metaNames().some(name => {
      if (!name.startsWith('flow:') || own.includes(name)) return false;
      const steps = this.#ledger.meta<FlowState>(name)?.steps ?? {};
      return id in steps || Object.values(steps).some(s => s.was?.includes(id));
    });
  }
  /** Whether a dead letter of an earlier run speaks of something that was done again, or is gone. */
  settles(letter: { step: string; where: string; root?: { source: string; id: number } }): boolean {
    const step = this.#nowId(letter.step);
    const source = letter.root && this.#nowId(letter.root.source);
    if (step === undefined) {
      // a step that no flow has any more: its letters go with the rows that went through without it
      const gone = (id: string): boolean => !this.#steps.has(id) && (this.#all || !this.#isOthers(id));
      const from = letter.root?.source ?? letter.step;
      return this.allRows && gone(letter.step) && (source !== undefined || gone(from));
    }
    if (this.allRows) return true;
    if (letter.root) {
      if (source === undefined) return false;
      const { id } = letter.root;
      return this.#sources.get(source)?.settled(id) ?? this.#streams.get(source)?.ids.settled(id) ?? false;
    }
    return this.#sources.get(step)?.readPart(letter.where) ?? false;
  }
  /** Whether a dead letter's row went through in this run so far. */
  settlesNow(letter: { step: string; root?: { source: string; id: number } }): boolean {
    const source = letter.root && this.#nowId(letter.root.source);
    return source !== undefined && (this.#sources.get(source)?.passed(letter.root?.id as number) ?? false);
  }
  /** The source that a step's rows come from one by one. */
  rootOf(step: string): string | undefined {
    return rootOf(this.#flow).get(step);
  }
  counts(step: string): DiffCounts | undefined {
    return (
      this.#sources.get(step)?.counts ??
      this.#unread.get(step) ??
      this.#sinks.get(step)?.counts ??
      this.#streams.get(step)?.input.counts
    );
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
    if (interim) await this.rowsEnd();
    await this.#settling;
    await this.#journal.finish();
    const nextId = Object.fromEntries([
      ...[...this.#sources].map(([id, diff]) => [id, diff.nextId] as const),
      ...[...this.#streams].map(([id, { ids }]) => [id, ids.nextId] as const),
      ...[...this.#parts.keys()].map(id => [id, this.decision.state?.nextId[id] ?? 0] as const),
    ]);
    const { slots, left, formerName, state: before } = this.decision;
    // rows of a flow that remembers none any more
    const forgets = before && before.rows !== false ? [...this.#parts.keys()] : [];
    const fresh = new Set([...this.decision.fresh, ...forgets]);
    const clashed = [...this.clashed];
    const state = flowState(
      this.#flow,
      { commit, run: this.#run },
      this.decision,
      nextId,
      { reports, work, clashed },
      interim,
    );
    const journal = this.#journalName();
    // a run that was cut short may have left something under slots that nobody has; what went ahead is there already
    const freed = [...fresh].map(id => slots[id]);
    const emptied = this.#wentAhead ? [] : [...new Set([...freed, ...this.#unknownSlots()])];
    const clear = this.#commits === 0 ? [...emptied, ...left] : [];
    if (interim) {
      this.#commits++;
      this.#journal.next(join(this.#folder, this.#journalName()));
    }
    const meta: Record<string, Json> = { slots, [`flow:${flowName(this.#flow)}`]: state as unknown as Json };
    if (formerName !== undefined) meta[`flow:${formerName}`] = null;
    const keeps = this.decision.mode === 'changes' || this.#wentAhead;
    const again = keeps ? [] : [...this.#streams.keys()].map(id => slots[id]);
    return { journal, clear, again, meta };
  }
  async abort(): Promise<void> {
    await this.#journal.abort();
  }
  /** Removes what was kept for the run alone. */
  async close(): Promise<void> {
    await this.#closeSources();
    await this.#journal.leave();
    for (const overlay of this.#overlays) await overlay.close();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}
