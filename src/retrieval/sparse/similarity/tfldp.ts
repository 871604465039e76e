import { pivotedLength, range, type SimilarityDefinition } from './types.ts';

/**
 * TF-lδp × IDF (Rousseau & Vazirgiannis 2013, "Composition of TF normalizations"): two logarithms over
 * the shifted, length-normalised frequency. Where ln(c + δ) ≤ -1 the formula has no value: it counts 0.
 */
export const tfldp: SimilarityDefinition = {
  name: 'tfldp',
  summary: 'TF l∘δ∘p × IDF: ln((N+1)/n) · (1 + ln(1 + ln(c+δ))), c = f/u',
  defaults: { b: 0.4, delta: 1 },
  check: { b: range(0, 1), delta: range(0) },
  prepare(parameters, collection) {
    const pivot = pivotedLength(parameters.b as number, collection);
    const delta = parameters.delta as number;
    return {
      // Below c + δ = e^(1/e - 1) the score is negative, and at the edge of the domain it jumps to 0.
      prunable: delta >= 1,
      pivot,
      term: ({ documents: n }) => {
        const idf = Math.log((collection.documents + 1) / n);
        return {
          weight: idf,
          k: 0,
          add: 0,
          idf,
          score: (tf, length) => {
            const inner = 1 + Math.log(tf / pivot(length) + delta);
            return inner > 0 ? idf * (1 + Math.log(inner)) : 0;
          },
        };
      },
    };
  },
};
