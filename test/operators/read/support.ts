/** Opens sources and sinks in a folder of their own, without the engine. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { afterAll } from 'vitest';
import { type Columns, rowsOf } from '../../../src/arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type Change,
  type Decoded,
  type Json,
  type OpenContext,
  type Params,
  type RecordError,
  type SinkInstance,
  type SourceOperator,
} from '../../../src/define/index.ts';

export type Row = Record<string, unknown>;

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** A folder with these files; removed after the tests of the file. */
export function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'millrace-io-'));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

export function context(
  root: string,
  more: Partial<OpenContext> = {},
): OpenContext & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return {
    step: 'tested',
    root,
    path: relative => resolve(root, relative),
    memory: 64 * 2 ** 20,
    tempFolder: async () => folder(),
    signal: new AbortController().signal,
    warn: message => {
      if (!warnings.includes(message)) warnings.push(message);
    },
    inputs: [],
    keys: [],
    full: true,
    warnings,
    ...more,
  };
}

/** What a source gave. */
export interface Read {
  readonly rows: Row[];
  readonly errors: RecordError[];
  readonly warnings: string[];
  readonly positions: Json[];
  readonly columns: Columns;
  readonly key: readonly string[];
  readonly batches: RecordBatch[];
  /** Sum of progress, and the total it counts against. */
  readonly progress: number;
  readonly total: number | undefined;
}

const paramsOf = (op: AnyOperator, given: object): Params => op.params.parse(given) as Params;

/** Reads a source to its end, from a position or from the start. */
export async function read(op: AnyOperator, root: string, given: object, from?: Json): Promise<Read> {
  const engine = asEngine(op) as SourceOperator<Params>;
  const params = paramsOf(op, given);
  const ctx = context(root);
  const columns = await engine.columns(params, ctx);
  const source = await engine.open(params, ctx);
  const out = {
    rows: [] as Row[],
    errors: [] as RecordError[],
    positions: [] as Json[],
    batches: [] as RecordBatch[],
  };
  let progress = 0;
  try {
    for await (const chunk of source.scan(from)) {
      let decoded: Decoded | undefined = chunk.batch && { batch: chunk.batch, errors: chunk.errors };
      if (chunk.raw) decoded = await source.decode?.(chunk.raw, chunk.meta ?? null);
      if (decoded) {
        out.batches.push(decoded.batch);
        out.rows.push(...rowsOf(decoded.batch));
        out.errors.push(...(decoded.errors ?? []));
      }
      // positions and metas cross files and threads: plain JSON
      out.positions.push(JSON.parse(JSON.stringify(chunk.position)));
      progress += chunk.progress ?? 0;
    }
  } finally {
    await source.close?.();
  }
  return {
    ...out,
    columns,
    key: engine.key(params),
    warnings: ctx.warnings,
    progress,
    total: source.total?.amount,
  };
}

/** Rows after each position are those that came after it in the whole read. */
export async function resumesEverywhere(
  op: AnyOperator,
  root: string,
  given: object,
): Promise<{ whole: Read; resumed: Row[][]; wanted: Row[][] }> {
  const whole = await read(op, root, given);
  const resumed: Row[][] = [];
  const wanted: Row[][] = [];
  let before = 0;
  for (const [i, position] of whole.positions.entries()) {
    before += whole.batches[i].numRows;
    resumed.push((await read(op, root, given, position)).rows);
    wanted.push(whole.rows.slice(before));
  }
  return { whole, resumed, wanted };
}

/** The error that a promise ends in, as message and help. */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { name, message, help } = error as Error & { help?: string };
    return `${name}: ${message}${help ? ` | ${help}` : ''}`;
  }
  throw new Error('wanted an error, found none');
}

/** An open sink with what is needed to publish it. */
export async function openSink(
  op: AnyOperator,
  root: string,
  given: object,
  columns: Columns,
): Promise<{ sink: SinkInstance; publish: (token: Json) => Promise<void> }> {
  const engine = asEngine(op);
  if (engine.shape !== 'sink') throw new Error('no sink');
  const params = paramsOf(op, given);
  const ctx = context(root, { inputs: [columns] });
  const sink = await engine.open(params, ctx);
  return { sink, publish: async token => engine.publish?.(params, token, ctx) };
}

/** Writes changes and publishes them; gives the token. */
export async function write(
  op: AnyOperator,
  root: string,
  given: object,
  columns: Columns,
  changes: readonly Change[],
): Promise<Json> {
  const { sink, publish } = await openSink(op, root, given, columns);
  try {
    for (const change of changes) await sink.write(change);
    const { token } = await sink.prepare();
    await publish(token);
    return token;
  } catch (error) {
    await sink.abort?.();
    throw error;
  } finally {
    await sink.close?.();
  }
}
