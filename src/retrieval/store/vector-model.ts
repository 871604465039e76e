/** Which model made the vectors of an index. */

/** A model by what its files hold, and how it was named. */
export interface VectorModel {
  readonly name: string;
  /** Of its files: two that are equal are one model, whatever they are called. */
  readonly hash: string;
}

/** Whether two are known not to be the same. */
export const isOther = (a: VectorModel | undefined, b: VectorModel | undefined): boolean =>
  a !== undefined && b !== undefined && a.hash !== b.hash;

/** Settings with the model of what comes, where they name none and there are no rows of which it is not known. */
export const withModel = <S extends { readonly model?: VectorModel }>(
  settings: S,
  base: { readonly model?: VectorModel } | undefined,
  given: VectorModel | undefined,
): S => {
  const model = base ? base.model : given;
  return model ? { ...settings, model } : settings;
};

/** What is wrong with putting vectors of one model onto those of another, or undefined. */
export const modelClash = (
  found: { readonly model?: VectorModel },
  own: { readonly model?: VectorModel },
): string | undefined =>
  isOther(found.model, own.model)
    ? `holds vectors of the model ${found.model?.name}; this writer has those of ${own.model?.name}`
    : undefined;

/** As messages say which model questions want. */
export const modelText = (model: VectorModel | undefined): string =>
  model ? `the model ${model.name}, which encoded the index` : 'the model that encoded the index';
