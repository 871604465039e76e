/** Searches of indexes of vectors from the command line: the question is encoded, then looked for. */
import { basename } from 'node:path';
import type { Encoder, ResolvedModel } from '../models/index.ts';
import { createAnalyzer } from '../retrieval/analysis/index.ts';
import type { DenseIndex } from '../retrieval/dense/index.ts';
import type { LateIndex } from '../retrieval/late/index.ts';
import type { Filter, StoredField } from '../retrieval/sparse/index.ts';
import { UsageError } from './errors.ts';
import { type Hit, hitOf } from './hits.ts';
import { modelName } from './model-name.ts';

export interface VectorSearch {
  readonly documents: number;
  readonly columns: readonly StoredField[];
  /** Marks the words of a query in hits. */
  readonly analyzer: ReturnType<typeof createAnalyzer>;
  search(query: string, options: { readonly k: number; readonly filter?: Filter }): Promise<Hit[]>;
  close(): Promise<void>;
}

/** From so many documents on, a product of matrices by ONNX Runtime makes up for the time it takes to open. */
const LARGE = { dense: 20_000, late: 200 } as const;

/**
 * Opens an index of vectors and the encoder of its questions.
 * @param given the encoder; default the one that the index names
 * @param shown the index's folder as it was given
 * @throws UsageError where neither names one
 */
export async function openVectorSearch(
  kind: 'dense' | 'late',
  folder: string,
  given: string | undefined,
  root: string,
  shown = folder,
): Promise<VectorSearch> {
  const { DenseIndex, LateIndex, denseGenerations, lateGenerations } = await import('../retrieval/index.ts');
  const { documents } = (kind === 'dense' ? denseGenerations : lateGenerations).find(folder);
  const { onnxMultiplier } = await import('../../operators/search/multiply.ts');
  const product = documents >= LARGE[kind] ? await onnxMultiplier(1) : undefined;
  const options = { multiply: product?.multiply };
  let index: DenseIndex | LateIndex | undefined;
  let encoder: Encoder | undefined;
  const close = async (): Promise<void> => {
    index?.close();
    await encoder?.close();
    await product?.close();
  };
  try {
    index = await (kind === 'dense' ? DenseIndex.open(folder, options) : LateIndex.open(folder, options));
    encoder = await openQuestions(given, index, root, shown);
  } catch (error) {
    await close();
    throw error;
  }
  return searchOf(index, encoder, folder, close);
}

function searchOf(
  index: DenseIndex | LateIndex,
  questions: Encoder,
  folder: string,
  close: () => Promise<void>,
): VectorSearch {
  return {
    documents: index.info.documents,
    columns: index.info.columns,
    analyzer: createAnalyzer('standard'),
    search: async (query, { k, filter }) => {
      const { docs, scores } = await find(index, questions, query, k, filter);
      return index
        .rows(docs)
        .map((row, rank) => hitOf(row, index.info.keyColumn, rank, scores[rank], basename(folder)));
    },
    close,
  };
}

/** Where the encoder of questions is. */
export async function questionModel(model: string, root: string): Promise<ResolvedModel> {
  const { locateModel, ModelError } = await import('../models/index.ts');
  const found = locateModel(await modelName(model, root));
  if (found) return found;
  throw new ModelError(`model "${model}": is not on this machine; searches fetch none`, {
    help: `fetch it once: millrace models add ${model}`,
  });
}

/**
 * The name of the encoder of questions.
 * @throws UsageError where nobody says it: vectors of as many numbers need not be of one space
 */
export function questionsOf(
  given: string | undefined,
  own: { readonly name: string } | undefined,
  shown: string,
): string {
  const name = given ?? own?.name;
  if (name !== undefined) return name;
  throw new UsageError(
    `${shown}: the index does not name the model of its vectors, so questions cannot be encoded`,
    {
      help: 'say it with --model; vectors made elsewhere are searched by a pipeline (search.dense, search.late)',
    },
  );
}

/** @throws UsageError where questions of the model do not fit the index */
async function openQuestions(
  given: string | undefined,
  index: DenseIndex | LateIndex,
  root: string,
  where: string,
): Promise<Encoder> {
  const { modelFiles, modelPrint, openEncoder } = await import('../models/index.ts');
  const { settings, documents } = index.info;
  const own = settings.model;
  const model = documents === 0 ? (given ?? own?.name ?? 'default') : questionsOf(given, own, where);
  const resolved = await questionModel(model, root);
  const shown = given === undefined ? `model ${model}` : `--model ${model}`;
  if (own && documents > 0 && modelPrint(modelFiles(resolved)) !== own.hash)
    throw new UsageError(
      model === own.name
        ? `${shown}: is another version of it than encoded the index`
        : `${shown}: the index holds vectors of ${own.name}`,
      {
        help:
          model === own.name
            ? 'build the index again, or name the folder of the version that encoded it'
            : 'leave --model out; questions for the other half of a pair are searched by a pipeline, with anyModel: true',
      },
    );
  const encoder = await openEncoder(resolved.folder, { name: model, file: resolved.file });
  const wanted = 'from' in settings ? settings.from : settings.dimension;
  if (encoder.dimension === wanted || documents === 0) return encoder;
  await encoder.close();
  throw new UsageError(
    `${shown}: gives vectors of ${encoder.dimension} numbers, the index holds vectors of ${wanted}`,
    {
      help: own
        ? `the index holds vectors of ${own.name}: --model ${own.name}`
        : 'name the model that encoded the index',
    },
  );
}

async function find(
  index: DenseIndex | LateIndex,
  encoder: Encoder,
  query: string,
  k: number,
  filter: Filter | undefined,
): Promise<{ docs: Int32Array; scores: Float64Array }> {
  if ('tokens' in index.info) {
    const { vectors } = await encoder.encodeTokens([query], { side: 'query' });
    return (index as LateIndex).search(vectors, { k, filter });
  }
  const { vectors } = await encoder.encode([query], { side: 'query' });
  const [found] = await (index as DenseIndex).search(vectors, 1, { k, filter });
  return found;
}
