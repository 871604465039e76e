import { impactTable } from '../fields-impacts.ts';
import type { SimilarityDefinition } from './types.ts';

/**
 * The dot product of weighted terms, for learned sparse vectors (SPLADE, Formal et al. 2021; uniCOIL, Lin &
 * Ma 2021; DeepImpact, Mallia et al. 2021): query weight × document weight, as stored in 8 or 16 bits.
 */
export const impact: SimilarityDefinition = {
  name: 'impact',
  summary: 'Dot product of the query’s and the document’s term weights, for fields of weighted terms',
  defaults: {},
  check: {},
  prepare(_, collection) {
    const table = impactTable(collection.bits ?? 8);
    return {
      prunable: true,
      pivot: () => 1,
      term: () => ({ weight: 0, k: 0, add: 0, score: code => table[code] }),
    };
  },
};
