/**
 * The incremental contract of sinks over an index in generations: upserts and deletes by key, `has`, tokens, commits in the
 * middle of a run, publication, damage. A new index brings a writer and spreads {@link takesChanges} into its operator.
 */
import { columnData, valuesOf } from '../../src/arrow/index.ts';
import type { Change, Json, OpenContext, PlanContext, SinkInstance } from '../../src/define/index.ts';
import { formatBytes } from '../../src/define/index.ts';
import { IndexError } from '../../src/retrieval/sparse/index.ts';
import type { AnyManifest, Generations } from '../../src/retrieval/store/generations.ts';
import type { Prepared } from '../../src/retrieval/store/rows-types.ts';
import { withIndex } from './errors.ts';
import { deletedValues } from './keyed.ts';
import { isNamed, numberOf, tokenOf } from './token.ts';

type Kind = Pick<Generations<AnyManifest>, 'token' | 'named' | 'readCurrent' | 'isSound' | 'publish'>;

/** What a writer of such an index does. */
export interface IndexWriter {
  delete(values: string[], by?: string): Promise<number>;
  has(values: readonly string[]): Uint8Array;
  prepare(): Promise<Prepared>;
  keep(generation: number): Promise<void>;
  handOver(): Promise<void>;
  abort(): Promise<void>;
  close(): Promise<void>;
}

/** The generation to go on from, where a run that was cut short is taken up. */
export const fromOf = (kind: Kind, dir: string, ctx: OpenContext): number | undefined =>
  ctx.from === undefined ? undefined : numberOf(kind, dir, ctx.from);

export function indexSink(options: {
  readonly kind: Kind;
  readonly dir: string;
  readonly key: string;
  readonly writer: IndexWriter;
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

/**
 * What the operator of such a sink declares besides `open`.
 * @param kind the generations of its index
 * @param open opens what is published for reading: an IndexError says that changes cannot be put onto it
 */
export const takesChanges = (kind: Kind, open: (dir: string) => Promise<ReadableIndex>) => ({
  changes: true as const,

  /** The token of what is published; undefined where nothing sound is there that changes could be put onto. */
  current: async (p: Placed, ctx: PlanContext): Promise<Json | undefined> => {
    const dir = ctx.path(p.path);
    try {
      (await open(dir)).close();
      const live = kind.readCurrent(dir)?.generation;
      return live !== undefined && (await kind.isSound(dir, live)) ? tokenOf(kind, dir) : undefined;
    } catch (error) {
      if (error instanceof IndexError) return undefined;
      throw error;
    }
  },

  /** Rows in the order of their text: numbers of documents depend on how the index came about. */
  readBack: async (p: Placed, ctx: PlanContext): Promise<string[]> => {
    const index = await withIndex(() => open(ctx.path(p.path)));
    try {
      return index
        .rows(index.live())
        .map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)))
        .sort();
    } finally {
      index.close();
    }
  },

  resumes: async (p: Placed, token: Json, ctx: PlanContext): Promise<boolean> => {
    const dir = ctx.path(p.path);
    return isNamed(kind, dir, token) && kind.isSound(dir, numberOf(kind, dir, token));
  },

  publish: async (p: Placed, token: Json, ctx: PlanContext): Promise<void> => {
    const dir = ctx.path(p.path);
    await withIndex(() => kind.publish(dir, numberOf(kind, dir, token)));
  },
});

interface ReadableIndex {
  /** Numbers of the documents that are not deleted. */
  live(): Int32Array;
  /** The key and all stored columns. */
  rows(docs: Int32Array): object[];
  close(): void;
}

interface Placed {
  readonly path: string;
}
