import { range, type SimilarityDefinition } from './types.ts';

/**
 * Query likelihood with Dirichlet smoothing (Zhai & Lafferty 2001), in its rank form. The length part is
 * added once a document for all query terms the collection holds; others have p(t|C) = 0 and count nothing.
 */
export const lmDirichlet: SimilarityDefinition = {
  name: 'lm-dirichlet',
  summary: 'Query likelihood, Dirichlet: Σ ln(1 + f/(μ·p(t|C))) + |q|·ln(μ/(μ+l))',
  defaults: { mu: 2000 },
  check: { mu: range(0, Number.POSITIVE_INFINITY, true) },
  prepare(parameters, collection) {
    const mu = parameters.mu as number;
    return {
      prunable: false,
      pivot: () => 1,
      term: ({ occurrences }) => {
        const background = (mu * occurrences) / collection.totalLength;
        return { weight: 0, k: 0, add: 0, score: tf => Math.log(1 + tf / background) };
      },
      document: (length, terms) => terms * Math.log(mu / (mu + length)),
    };
  },
};
