/**
 * The same operators without the engine: a hand-written loop, and for orientation the two usual ways to write a
 * stream in JavaScript. They take a plan only for its parsed parameters and columns.
 */
import type { RecordBatch } from 'apache-arrow';
import { concatMap, from, lastValueFrom, map } from 'rxjs';
import type {
  Closable,
  Json,
  MapInstance,
  OpenContext,
  SinkInstance,
  SourceChunk,
  SourceInstance,
} from '../../src/define/index.ts';
import type { Plan, PlannedStep } from '../../src/plan/types.ts';
import { type Assemble, assembler } from '../../src/run/assemble.ts';
import { openContext, planContext } from '../../src/run/context.ts';

/** A piece of one file: from a position of the source up to a byte. */
export interface Part {
  readonly from: Json;
  readonly to: number;
}

interface Open {
  readonly source: SourceInstance;
  readonly maps: readonly { instance: MapInstance; assemble: Assemble }[];
  readonly sink: SinkInstance;
  /** Makes what the sink wrote visible and closes everything. */
  finish(): Promise<void>;
}

async function openSteps(plan: Plan): Promise<Open> {
  const signal = new AbortController().signal;
  const context = (step: PlannedStep): OpenContext =>
    openContext(step, { root: plan.root, signal, warn: () => undefined, tempFolders: [] });
  const opened: Closable[] = [];
  const maps: { instance: MapInstance; assemble: Assemble }[] = [];
  let source: SourceInstance | undefined;
  let sink: SinkInstance | undefined;
  let publish = async (_: Json): Promise<void> => undefined;
  for (const step of plan.flows[0].steps) {
    const { op, params } = step;
    if (op.shape === 'source') {
      source = await op.open(params, context(step));
      opened.push(source);
    } else if (op.shape === 'map') {
      const instance = await op.open(params, context(step));
      opened.push(instance);
      maps.push({ instance, assemble: assembler(step) });
    } else if (op.shape === 'sink') {
      sink = await op.open(params, context(step));
      opened.push(sink);
      publish = async token => op.publish?.(params, token, planContext(plan.root));
    } else throw new Error(`${step.id}: the loop knows source, map and sink only`);
  }
  if (!source || !sink) throw new Error('the loop wants a source and a sink');
  const last = sink;
  return {
    source,
    maps,
    sink,
    finish: async () => {
      await publish((await last.prepare()).token);
      for (const instance of opened) await instance.close?.();
    },
  };
}

async function decoded(source: SourceInstance, chunk: SourceChunk): Promise<RecordBatch | undefined> {
  if (!chunk.raw) return chunk.batch;
  const out = source.decode?.(chunk.raw, chunk.meta ?? null);
  return (out instanceof Promise ? await out : out)?.batch;
}

async function mapped(map: Open['maps'][number], batch: RecordBatch): Promise<RecordBatch> {
  const out = map.instance.process(batch);
  return map.assemble(batch, out instanceof Promise ? await out : out).batch;
}

const endOf = (chunk: SourceChunk): number => (chunk.position as { offset: number }).offset;

/** Read, decode, map, write, one batch after the other. */
export async function handLoop(plan: Plan, part?: Part): Promise<void> {
  const { source, maps, sink, finish } = await openSteps(plan);
  for await (const chunk of source.scan(part?.from)) {
    // a block may reach into the next part: both ends are line ends
    const over = part ? Math.max(0, endOf(chunk) - part.to) : 0;
    const raw = over > 0 ? chunk.raw?.slice(0, -over) : chunk.raw;
    let batch = await decoded(source, { ...chunk, raw });
    for (const map of maps) if (batch) batch = await mapped(map, batch);
    if (batch?.numRows) await sink.write({ upserts: batch });
    if (part && endOf(chunk) >= part.to) break;
  }
  await finish();
}

/** One async generator a step. */
export async function generators(plan: Plan): Promise<void> {
  const { source, maps, sink, finish } = await openSteps(plan);
  const read = async function* (): AsyncGenerator<RecordBatch> {
    for await (const chunk of source.scan()) {
      const batch = await decoded(source, chunk);
      if (batch) yield batch;
    }
  };
  const step = async function* (
    input: AsyncGenerator<RecordBatch>,
    map: Open['maps'][number],
  ): AsyncGenerator<RecordBatch> {
    for await (const batch of input) yield await mapped(map, batch);
  };
  let stream = read();
  for (const map of maps) stream = step(stream, map);
  for await (const batch of stream) await sink.write({ upserts: batch });
  await finish();
}

/** RxJS: a `concatMap` a step, which keeps the order and queues without a bound. */
export async function observables(plan: Plan): Promise<void> {
  const { source, maps, sink, finish } = await openSteps(plan);
  const kept = (chunk: SourceChunk): SourceChunk =>
    chunk.raw && chunk.borrowed ? { ...chunk, raw: new Uint8Array(chunk.raw) } : chunk;
  const chunks = from(source.scan()).pipe(map(kept));
  let stream = chunks.pipe(concatMap(chunk => decoded(source, chunk)));
  for (const step of maps)
    stream = stream.pipe(concatMap(async batch => (batch ? mapped(step, batch) : undefined)));
  const written = stream.pipe(
    concatMap(async batch => {
      if (batch?.numRows) await sink.write({ upserts: batch });
    }),
  );
  await lastValueFrom(written, { defaultValue: undefined });
  await finish();
}
