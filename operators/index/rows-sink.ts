/** What index.dense and index.late share: sinks over an index of keyed rows. */
import { columnData, valuesOf } from '../../src/arrow/index.ts';
import type { Change, Json, OpenContext, SinkInstance } from '../../src/define/index.ts';
import { formatBytes } from '../../src/define/index.ts';
import { IndexError } from '../../src/retrieval/sparse/index.ts';
import type { Generations } from '../../src/retrieval/store/generations.ts';
import { isWholeRows } from '../../src/retrieval/store/rows-index.ts';
import type { Prepared, RowsManifest } from '../../src/retrieval/store/rows-types.ts';
import { withIndex } from './errors.ts';
import { deletedValues } from './keyed.ts';
import { isNamed, numberOf, tokenOf } from './token.ts';

type Kind = Generations<RowsManifest>;

/** What a writer of such an index does. */
export interface RowsSinkWriter {
  delete(values: string[], by?: string): Promise<number>;
  has(values: readonly string[]): Uint8Array;
  prepare(): Promise<Prepared>;
  keep(generation: number): Promise<void>;
  handOver(): Promise<void>;
  abort(): Promise<void>;
  close(): Promise<void>;
}

interface Paths {
  path(relative: string): string;
}

/** The generation to go on from, where a run that was cut short is taken up. */
export const fromOf = (kind: Kind, dir: string, ctx: OpenContext): number | undefined =>
  ctx.from === undefined ? undefined : numberOf(kind, dir, ctx.from);

export function rowsSink(options: {
  readonly kind: Kind;
  readonly dir: string;
  readonly key: string;
  readonly writer: RowsSinkWriter;
  add(upserts: NonNullable<Change['upserts']>): Promise<void>;
  close?(): Promise<void>;
}): SinkInstance {
  const { kind, dir, key, writer } = options;
  return {
    write: async ({ deletes, upserts }) => {
      if (deletes?.numRows) await withIndex(() => writer.delete(...deletedValues(deletes, key)));
      if (upserts?.numRows) await withIndex(() => options.add(upserts));
    },
    has: keys => withIndex(async () => writer.has(valuesOf(columnData(keys, key)).map(String))),
    prepare: async () => {
      const { generation, documents, segments, bytes } = await withIndex(() => writer.prepare());
      // the engine publishes on the main thread, wherever the index was built
      await writer.handOver();
      return {
        token: tokenOf(kind, dir, generation),
        summary: { documents, segments, size: formatBytes(bytes) },
      };
    },
    keep: token => withIndex(() => writer.keep(numberOf(kind, dir, token))),
    abort: () => writer.abort(),
    close: async () => {
      await writer.close();
      await options.close?.();
    },
  };
}

/** The token of what is published; undefined where nothing is there that changes could be put onto. */
export async function currentRows(
  kind: Kind,
  dir: string,
  open: (dir: string) => Promise<{ close(): void }>,
  verify: (dir: string) => Promise<{ readonly ok: boolean }>,
): Promise<Json | undefined> {
  try {
    (await open(dir)).close();
    const live = kind.readCurrent(dir)?.generation;
    const sound = live !== undefined && (!kind.changedSince(dir, live) || (await verify(dir)).ok);
    return sound ? tokenOf(kind, dir) : undefined;
  } catch (error) {
    if (error instanceof IndexError) return undefined;
    throw error;
  }
}

export const resumesRows = (kind: Kind, path: string, token: Json, ctx: Paths): boolean => {
  const dir = ctx.path(path);
  return isNamed(kind, dir, token) && isWholeRows(dir, kind, numberOf(kind, dir, token));
};

export async function publishRows(kind: Kind, dir: string, token: Json): Promise<void> {
  await withIndex(() => kind.publish(dir, numberOf(kind, dir, token)));
}
