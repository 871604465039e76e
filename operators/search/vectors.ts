/** What search.dense and search.late share: all but how vectors come and how they are looked for. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { Columns } from '../../src/arrow/index.ts';
import { hint, type OpenContext, readsPath, UserError } from '../../src/define/index.ts';
import type { Multiply, VectorModel } from '../../src/retrieval/dense/index.ts';
import { type Filter, IndexError, type StoredField } from '../../src/retrieval/sparse/index.ts';
import type { Generations } from '../../src/retrieval/store/generations.ts';
import type { RowsManifest } from '../../src/retrieval/store/rows-types.ts';
import { withIndex } from '../index/errors.ts';
import { checkModel } from '../index/vectors-model.ts';
import { checkColumns, checkConditions, further } from './further.ts';
import { HITS } from './hits.ts';
import { openMultiplying } from './multiply.ts';
import { filterParam } from './query-params.ts';

/** Parameters of every search of vectors. */
export const vectorParams = {
  index: z.string().describe('folder of the index').meta(readsPath()),
  k: z.int().positive().default(10).describe('hits a question'),
  filter: filterParam.default({}).describe('conditions on stored columns that hits must meet'),
  columns: z
    .record(z.string(), z.enum(['utf8', 'int32', 'float64', 'bool']))
    .default({})
    .describe('further stored columns to give back, each with its type'),
  anyModel: z
    .boolean()
    .default(false)
    .describe('takes questions of another model than the index has, such as the other half of a pair'),
  threads: z.int().positive().default(1).describe('threads of the product of matrices').meta(hint()),
} as const;

interface Params {
  readonly index: string;
  readonly k: number;
  readonly columns: Record<string, 'utf8' | 'int32' | 'float64' | 'bool'>;
  readonly filter: Filter;
  readonly anyModel: boolean;
  readonly threads: number;
}

/** Parts of the declaration of every search of vectors. */
export const vectorSearch = {
  batchRows: (p: Pick<Params, 'k'>): number => Math.max(1, Math.min(64, Math.floor(6400 / p.k))),
  check: (p: Pick<Params, 'columns'>): string[] =>
    Object.keys(p.columns)
      .filter(name => Object.hasOwn(HITS, name))
      .map(name => `with.columns.${name}: is a column of every hit already`),
  writes: (p: Pick<Params, 'columns'>): Columns => ({ ...HITS, ...further(p.columns) }),
};

/** Memory of an open index by its manifest alone: no file of vectors is opened for it. */
export function indexBytes(
  dir: string,
  kind: Generations<RowsManifest>,
  bytesOf: (manifest: RowsManifest) => number,
): number {
  // not built yet, or not readable: open() says so where it matters
  const unknown = 64 << 20;
  if (!existsSync(dir)) return unknown;
  try {
    return bytesOf(kind.find(dir));
  } catch (error) {
    if (error instanceof IndexError) return unknown;
    throw error;
  }
}

/** An open index, as far as what opens it looks at it. */
interface Searched {
  readonly info: {
    readonly documents: number;
    readonly keyColumn: string;
    readonly columns: readonly StoredField[];
    readonly settings: { readonly model?: VectorModel };
  };
  close(): void;
}

const modelText = (model: VectorModel | undefined): string =>
  model ? `model: ${model.name}, which encoded the index` : 'the model that encoded the index';

/**
 * Opens an index for a step, with a quick product of matrices.
 * @param param the parameter that names the column of vectors; @param sizes numbers of its vectors, and of the index's
 * @throws UserError where questions do not fit the index
 */
export async function openSearched<I extends Searched>(
  p: Params,
  ctx: OpenContext,
  param: 'vector' | 'vectors',
  column: string,
  open: (dir: string, multiply: Multiply) => Promise<I>,
  sizes: (input: Columns, index: I) => readonly [number, number],
): Promise<{ readonly index: I; close(): Promise<void> }> {
  const dir = ctx.path(p.index);
  const { opened: index, product } = await openMultiplying(p.threads, multiply =>
    withIndex(() => open(dir, multiply)),
  );
  const close = async (): Promise<void> => {
    index.close();
    await product.close();
  };
  try {
    const input = ctx.inputs[0] ?? {};
    const [size, wanted] = sizes(input, index);
    if (size !== wanted && index.info.documents > 0)
      throw new UserError(
        `with.${param}: column "${column}" has vectors of ${size} numbers, the index at ${p.index} holds vectors of ${wanted}`,
        { help: `encode questions with ${modelText(index.info.settings.model)}` },
      );
    if (!p.anyModel) checkModel(input, column, param, index, p.index);
    checkColumns(index, p.columns, p.index);
    checkConditions(index, p.filter);
  } catch (error) {
    await close();
    throw error;
  }
  return { index, close };
}
