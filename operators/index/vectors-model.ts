/** Which model made a column of vectors, and whether questions come of the one that made the index. */
import type { Columns } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';
import type { VectorModel } from '../../src/retrieval/dense/index.ts';

/** Undefined where the column does not say: vectors that were read from a file, or made elsewhere. */
export function modelOf(input: Columns, column: string): VectorModel | undefined {
  const { model, modelHash } = input[column]?.metadata ?? {};
  return model && modelHash ? { name: model, hash: modelHash } : undefined;
}

/** @throws UserError where both are known and differ */
export function checkModel(
  input: Columns,
  column: string,
  param: string,
  index: {
    readonly info: { readonly documents: number; readonly settings: { readonly model?: VectorModel } };
  },
  shown: string,
): void {
  const found = modelOf(input, column);
  const wanted = index.info.settings.model;
  if (!found || !wanted || found.hash === wanted.hash || index.info.documents === 0) return;
  const name = found.name === wanted.name ? `another version of ${found.name}` : found.name;
  throw new UserError(
    `with.${param}: column "${column}" has vectors of ${name}, the index at ${shown} holds those of ${wanted.name}`,
    {
      help: `encode questions with model: ${wanted.name}, or build the index again; anyModel: true takes those of the other half of a pair`,
    },
  );
}
