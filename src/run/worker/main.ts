/** The worker's side: builds its own copy of the steps from names and parameters, and answers one call at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeBatch } from '../../arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  type MapInstance,
  type Params,
  type SinkInstance,
  type SourceInstance,
  type StreamInstance,
} from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { Chain } from '../chain.ts';
import { openContext } from '../context.ts';
import { keepTidy } from '../tidy.ts';
import { decodeChange, encodeChange, encodeError, encodeResult } from './codec.ts';
import type { Reply, Request, WireChange, WorkerSetup } from './protocol.ts';
import { reviveStep } from './steps.ts';

if (!parentPort) throw new Error('this module runs in a worker');
const port = parentPort;
const setup = workerData as WorkerSetup;
const abort = new AbortController();
const tempFolders: string[] = [];

async function operators(): Promise<Map<string, EngineOperator>> {
  const found = new Map<string, EngineOperator>();
  const registry = (await import(setup.registryUrl)) as { operators: readonly AnyOperator[] };
  for (const op of registry.operators) found.set(op.name, asEngine(op));
  for (const url of setup.modules) {
    const module = (await import(url)) as Record<string, unknown>;
    for (const value of Object.values(module)) {
      if (value && typeof value === 'object' && 'shape' in value && 'name' in value) {
        const op = value as unknown as AnyOperator;
        found.set(op.name, asEngine(op));
      }
    }
  }
  return found;
}

const registry = await operators();
const steps: PlannedStep[] = setup.steps.map(wire => {
  const op = registry.get(wire.op);
  if (!op)
    throw new Error(`operator ${wire.op} is not in the worker's registry; export it from its \`module\``);
  return reviveStep(wire, op, op.params.parse(wire.params) as Params);
});
keepTidy(steps.reduce((sum, s) => sum + s.memory, 0));
const context = (step: PlannedStep) =>
  openContext(
    step,
    {
      root: setup.root,
      signal: abort.signal,
      warn: (id, warning) => port.postMessage({ id: -1, warning, step: id } satisfies Reply),
      tempFolders,
    },
    setup.full,
    setup.from,
  );

let chain: Chain | undefined;
let sink: SinkInstance | undefined;
let stream: StreamInstance | undefined;
const opened: { close?(): void | Promise<void> }[] = [];

async function open(): Promise<void> {
  if (setup.role === 'chain') {
    let source: { step: PlannedStep; instance: SourceInstance } | undefined;
    const maps: { step: PlannedStep; instance: MapInstance }[] = [];
    for (const step of steps) {
      const { op } = step;
      if (op.shape === 'source') {
        const instance = await op.open(step.params, context(step));
        source = { step, instance };
        opened.push(instance);
      } else if (op.shape === 'map') {
        const instance = await op.open(step.params, context(step));
        maps.push({ step, instance });
        opened.push(instance);
      }
    }
    chain = new Chain(source, maps);
  } else {
    const { op, params } = steps[0];
    if (op.shape === 'sink') sink = await op.open(params, context(steps[0]));
    if (op.shape === 'stream') stream = await op.open(params, context(steps[0]));
    opened.push(sink ?? stream ?? {});
  }
}

async function changesOf(changes: unknown): Promise<{ value: WireChange[]; transfer: ArrayBuffer[] }> {
  const value: WireChange[] = [];
  const transfer: ArrayBuffer[] = [];
  for await (const change of (await changes) as AsyncIterable<Parameters<typeof encodeChange>[0]>) {
    const encoded = encodeChange(change);
    value.push(encoded.wire);
    transfer.push(...encoded.transfer);
  }
  return { value, transfer };
}

async function answer(
  request: Exclude<Request, { call: 'stop' }>,
): Promise<{ value: unknown; transfer?: ArrayBuffer[] }> {
  switch (request.call) {
    case 'batch':
    case 'raw': {
      if (!chain) throw new Error('this worker has no chain');
      const input =
        request.call === 'batch'
          ? { batch: decodeBatch(request.batch) }
          : { raw: request.raw, meta: request.meta };
      const { wire, transfer } = encodeResult(await chain.run(input));
      return { value: wire, transfer };
    }
    case 'write': {
      const change = decodeChange(request.change);
      if (stream) return changesOf(stream.process(change, request.input));
      await sink?.write(change);
      return { value: undefined };
    }
    case 'has':
      return { value: await sink?.has?.(decodeBatch(request.keys)) };
    case 'end':
      return stream?.end ? changesOf(stream.end()) : { value: [] };
    case 'prepare':
      return { value: await sink?.prepare() };
    case 'keep':
      await sink?.keep?.(request.token);
      return { value: undefined };
    case 'report':
      return { value: await sink?.report?.() };
    case 'abort':
      await sink?.abort?.();
      return { value: undefined };
    case 'close':
      for (const instance of opened.splice(0)) await instance.close?.();
      return { value: tempFolders };
  }
}

try {
  await open();
  port.postMessage({ id: -2, ready: true } satisfies Reply);
} catch (error) {
  port.postMessage({ id: -2, ok: false, error: encodeError(error) });
}

// one call at a time, in the order they came
let last: Promise<void> = Promise.resolve();
port.on('message', (request: Request) => {
  if (request.call === 'stop') {
    abort.abort();
    return;
  }
  last = last.then(async () => {
    try {
      const { value, transfer } = await answer(request);
      port.postMessage({ id: request.id, ok: true, value } satisfies Reply, transfer ?? []);
    } catch (error) {
      port.postMessage({ id: request.id, ok: false, error: encodeError(error) } satisfies Reply);
    }
    if (request.call === 'close') port.close();
  });
});
