/** A flow whose steps are open: a stage of each, the channels between them, and what is to be closed in the end. */
import type {
  Closable,
  JoinInstance,
  RxInstance,
  SinkInstance,
  SourceInstance,
  StepState,
  StreamInstance,
} from '../define/index.ts';
import type { Flow, PlannedStep } from '../plan/types.ts';
import { carryPlaces } from './cached.ts';
import { Channel } from './channel.ts';
import type { Checkpoints } from './checkpoint.ts';
import { openContext } from './context.ts';
import { type Budget, isCostly, tokensOf } from './cost.ts';
import { stepError } from './errors.ts';
import { type Executor, mainExecutor } from './executor.ts';
import type { FlowControl } from './flow-control.ts';
import type { FlowChanges } from './incremental/flow-run.ts';
import { takesChanges } from './incremental/flow-state.ts';
import { Overlay } from './incremental/overlay.ts';
import { joinStage } from './join-stage.ts';
import { mapStage } from './map-stage.ts';
import { Outlet } from './outlet.ts';
import { type Ack, AckTracker, type Packet } from './packet.ts';
import { rxStage } from './rx-stage.ts';
import { sinkStage } from './sink-stage.ts';
import { sourceStage } from './source-stage.ts';
import { type Group, isCached } from './step-groups.ts';
import { streamStage } from './stream-stage.ts';
import { workerSink, workerStream } from './worker/owner.ts';
import { workerExecutor } from './worker/pool.ts';

export interface Stage {
  readonly steps: Group;
  /** Works until its input is over. */
  readonly work: () => Promise<void>;
  readonly outlet: Outlet | undefined;
}

/** A sink, and the acks of what it has written. */
interface OpenSink {
  readonly step: PlannedStep;
  readonly instance: SinkInstance;
  readonly written: (readonly Ack[])[];
}

export class OpenFlow {
  readonly sinks: OpenSink[] = [];
  readonly streams: StreamInstance[] = [];
  /** Set before the first stage is opened, where the flow can commit in the middle. */
  checkpoints: Checkpoints | undefined;
  readonly #flow: Flow;
  readonly #run: FlowControl;
  readonly #changes: FlowChanges | undefined;
  readonly #keepsRows: boolean;
  readonly #channels: ReadonlyMap<string, Channel<Packet>>;
  readonly #opened: Closable[] = [];
  readonly #trackers = new Map<string, AckTracker>();

  /** @param keepsRows streams that take changes remember all rows they give */
  constructor(flow: Flow, run: FlowControl, changes: FlowChanges | undefined, keepsRows: boolean) {
    this.#flow = flow;
    this.#run = run;
    this.#changes = changes;
    this.#keepsRows = keepsRows;
    this.#channels = new Map(
      flow.edges.map(e => [`${e.from}>${e.to}:${e.input}`, new Channel<Packet>(e.bytes)]),
    );
    for (const step of flow.steps) run.meter(step.id).inputs = this.#inputsOf(step);
  }

  #inputsOf(step: PlannedStep): Channel<Packet>[] {
    return step.from.map((from, i) => this.#channels.get(`${from}>${step.id}:${i}`) as Channel<Packet>);
  }
  #outletOf(step: PlannedStep): Outlet {
    const { edges, steps } = this.#flow;
    const together = new Set(steps.filter(s => s.from.includes(step.id)).flatMap(s => s.batchBy));
    const outlet = new Outlet(
      edges
        .filter(e => e.from === step.id)
        .map(e => this.#channels.get(`${e.from}>${e.to}:${e.input}`) as Channel<Packet>),
      this.#run.meter(step.id),
      [...together],
    );
    this.#run.outlet(step.id, outlet);
    return outlet;
  }
  async #opening<T extends Closable>(step: PlannedStep, open: () => T | Promise<T>): Promise<T> {
    this.#run.meter(step.id).state = 'opening';
    const started = performance.now();
    try {
      const instance = await open();
      this.#opened.push(instance);
      this.#run.opened(step.id, performance.now() - started);
      return instance;
    } catch (error) {
      throw stepError(step.id, error);
    }
  }
  // what a step remembers in a run of which nothing is remembered
  #scratchState(step: PlannedStep): StepState {
    const { tempFolder } = openContext(step, this.#run);
    const overlay = new Overlay({ table: 0, slot: step.index, fresh: true, folder: tempFolder });
    this.#opened.push({ close: () => overlay.close() });
    return overlay;
  }

  /** Opens the steps of a group; gives their stage. */
  async open(group: Group): Promise<Stage> {
    const [step] = group;
    const { op } = step;
    const run = this.#run;
    const changes = this.#changes;
    const outlet = op.shape === 'sink' ? undefined : this.#outletOf(group[group.length - 1]);
    const out = outlet as Outlet;
    const inputs = this.#inputsOf(step);
    const from = changes?.decision.from.get(step.id);
    const state = takesChanges(step)
      ? (changes?.stream(step.id)?.state ?? this.#scratchState(step))
      : undefined;
    const context = openContext(step, run, changes?.isFull(step) ?? true, from, state, this.#keepsRows);
    const stage = (work: () => Promise<void>): Stage => ({ steps: group, outlet, work });
    switch (op.shape) {
      case 'source': {
        const instance = await this.#opening<SourceInstance>(
          step,
          () => changes?.takeSource(step.id) ?? op.open(step.params, context),
        );
        const remote = step.where === 'worker' && (instance.decode || group.length > 1);
        const executor = remote ? await this.#opening(step, () => workerExecutor(group, run)) : undefined;
        const steps = remote ? group : [step];
        const acks = new AckTracker(step.id);
        this.#trackers.set(step.id, acks);
        const { checkpoints } = this;
        return stage(() =>
          sourceStage(step, instance, acks, out, run, executor, steps, changes, checkpoints),
        );
      }
      case 'map': {
        const executor = await this.#mapExecutor(group);
        return stage(() => mapStage(group, inputs[0], executor, out, run));
      }
      case 'stream': {
        const instance = await this.#opening<StreamInstance>(step, () =>
          step.where === 'worker' && !state ? workerStream(step, run) : op.open(step.params, context),
        );
        this.streams.push(instance);
        return stage(() => streamStage(step, inputs, instance, out, run, changes));
      }
      case 'join': {
        const bare = await this.#opening<JoinInstance>(step, () => op.open(step.params, context));
        const instance = isCostly(step) ? counted(step, bare, run) : bare;
        return stage(() => joinStage(step, inputs, instance, out, run));
      }
      case 'rx': {
        const instance = await this.#opening<RxInstance>(step, () => op.open(step.params, context));
        return stage(() => rxStage(step, inputs[0], instance, out, run));
      }
      case 'sink': {
        const instance = await this.#opening<SinkInstance>(step, () =>
          step.where === 'worker' ? workerSink(step, run, context.full, from) : op.open(step.params, context),
        );
        const written: (readonly Ack[])[] = [];
        this.sinks.push({ step, instance, written });
        return stage(() => sinkStage(step, inputs[0], instance, run, written, changes));
      }
    }
  }
  // asks the cache first, and counts what is spent behind it
  async #mapExecutor(group: Group): Promise<Executor> {
    const [step] = group;
    const run = this.#run;
    const cached = run.cache !== undefined && isCached(step);
    const bare = await this.#opening(step, () => {
      const steps = cached ? [carryPlaces(step)] : group;
      return step.where === 'worker' ? workerExecutor(steps, run) : mainExecutor(steps[0], run);
    });
    const inner = run.budget && isCostly(step) ? spending(step, bare, run.budget, cached) : bare;
    return cached && run.cache ? run.cache(step, inner) : inner;
  }

  /** Where sources stand once what their sinks have written is committed. */
  positions(): Record<string, Ack['position']> {
    for (const { written } of this.sinks)
      for (const acks of written.splice(0)) for (const ack of acks) ack.release();
    return Object.fromEntries(
      [...this.#trackers].flatMap(([id, t]) => (t.position === undefined ? [] : [[id, t.position] as const])),
    );
  }
  /** Ends every wait for a channel. */
  fail(error: unknown): void {
    for (const channel of this.#channels.values()) channel.fail(error as Error);
  }
  /** Closes everything, the last that was opened first. @param wrong what a close throws goes there */
  async close(drop: boolean, wrong: (error: unknown) => void): Promise<void> {
    const closing = async (step: () => void | Promise<void> | undefined): Promise<void> => {
      try {
        await step();
      } catch (error) {
        wrong(error);
      }
    };
    if (drop) for (const { instance } of this.sinks) await closing(() => instance.abort?.());
    for (const instance of this.#opened.reverse()) await closing(() => instance.close?.());
    await closing(() => this.#changes?.close());
  }
}

// spends before it works
const spending = (step: PlannedStep, inner: Executor, budget: Budget, cached: boolean): Executor => ({
  width: inner.width,
  run: async input => {
    if ('batch' in input) budget.spend(step, input.batch, cached);
    return inner.run(input);
  },
  close: () => inner.close(),
});

function counted(step: PlannedStep, bare: JoinInstance, { budget, meter }: FlowControl): JoinInstance {
  return {
    process: inputs => {
      budget?.spend(step, inputs[0], false);
      meter(step.id).tokens += tokensOf(step, inputs[0]) ?? Number.NaN;
      return bare.process(inputs);
    },
  };
}
