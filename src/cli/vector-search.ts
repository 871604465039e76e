/** Searches of indexes of vectors from the command line: the question is encoded, then looked for. */
import { basename, resolve } from 'node:path';
import type { Encoder } from '../models/index.ts';
import { createAnalyzer } from '../retrieval/analysis/index.ts';
import type { DenseIndex } from '../retrieval/dense/index.ts';
import type { LateIndex } from '../retrieval/late/index.ts';
import type { Filter, StoredField } from '../retrieval/sparse/index.ts';
import { UsageError } from './errors.ts';
import { type Hit, hitOf } from './hits.ts';

export interface VectorSearch {
  readonly documents: number;
  readonly columns: readonly StoredField[];
  /** Marks the words of a query in hits. */
  readonly analyzer: ReturnType<typeof createAnalyzer>;
  search(query: string, options: { readonly k: number; readonly filter?: Filter }): Promise<Hit[]>;
  close(): Promise<void>;
}

/** Opens an index of vectors and the encoder of its questions. */
export async function openVectorSearch(
  kind: 'dense' | 'late',
  folder: string,
  model: string,
  root: string,
): Promise<VectorSearch> {
  const { DenseIndex, LateIndex } = await import('../retrieval/index.ts');
  const index = await (kind === 'dense' ? DenseIndex.open(folder) : LateIndex.open(folder));
  let encoder: Encoder | undefined;
  try {
    encoder = await openQuestions(model, root);
    const { settings } = index.info;
    const wanted = 'from' in settings ? settings.from : settings.dimension;
    if (encoder.dimension !== wanted && index.info.documents > 0)
      throw new UsageError(
        `--model ${model}: gives vectors of ${encoder.dimension} numbers, the index holds vectors of ${wanted}`,
        { help: 'name the model that encoded the index' },
      );
  } catch (error) {
    index.close();
    await encoder?.close();
    throw error;
  }
  const questions = encoder;
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
    close: async () => {
      index.close();
      await questions.close();
    },
  };
}

/** Where the encoder of questions is. */
export async function questionModel(model: string, root: string): Promise<{ folder: string; file?: string }> {
  const { embeddedNames, parseReference, resolveModel } = await import('../models/index.ts');
  const name = parseReference(model, embeddedNames()).kind === 'folder' ? resolve(root, model) : model;
  return resolveModel(name, { offline: true });
}

async function openQuestions(model: string, root: string): Promise<Encoder> {
  const { openEncoder } = await import('../models/index.ts');
  const { folder, file } = await questionModel(model, root);
  return openEncoder(folder, { name: model, file });
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
