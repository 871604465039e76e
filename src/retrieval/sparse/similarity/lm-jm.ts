import { type Parameter, range, type SimilarityDefinition } from './types.ts';

const inside = range(0, 1, true);

/** Query likelihood with Jelinek–Mercer smoothing (Zhai & Lafferty 2001), in its rank form. */
export const lmJm: SimilarityDefinition = {
  name: 'lm-jm',
  summary: 'Query likelihood, Jelinek–Mercer: ln(1 + ((1-λ)/λ)·(f/l)/p(t|C))',
  defaults: { lambda: 0.5 },
  check: { lambda: (value: Parameter) => inside(value) },
  prepare(parameters, collection) {
    const lambda = parameters.lambda as number;
    const ratio = (1 - lambda) / lambda;
    return {
      prunable: true,
      pivot: () => 1,
      term: ({ occurrences }) => {
        const factor = (ratio * collection.totalLength) / occurrences;
        return { weight: 0, k: 0, add: 0, score: (tf, length) => Math.log(1 + (factor * tf) / length) };
      },
    };
  },
};
