import { IndexError } from '../errors.ts';
import { atire } from './atire.ts';
import { bm25 } from './bm25.ts';
import { bm25Adpt } from './bm25-adpt.ts';
import { bm25l } from './bm25l.ts';
import { bm25plus } from './bm25plus.ts';
import { bm25t } from './bm25t.ts';
import { lmDirichlet } from './lm-dirichlet.ts';
import { lmJm } from './lm-jm.ts';
import { lucene } from './lucene.ts';
import { okapi } from './okapi.ts';
import { robertson } from './robertson.ts';
import { tfidf } from './tfidf.ts';
import { tfldp } from './tfldp.ts';
import type { Collection, Parameter, PreparedSimilarity, SimilarityDefinition } from './types.ts';

/** Every similarity, by name. */
export const similarities: ReadonlyMap<string, SimilarityDefinition> = new Map(
  [
    okapi,
    robertson,
    lucene,
    bm25,
    atire,
    bm25l,
    bm25plus,
    bm25Adpt,
    bm25t,
    tfldp,
    lmDirichlet,
    lmJm,
    tfidf,
  ].map(s => [s.name, s]),
);

export type SimilarityName =
  | 'okapi'
  | 'robertson'
  | 'lucene'
  | 'bm25'
  | 'atire'
  | 'bm25l'
  | 'bm25+'
  | 'bm25-adpt'
  | 'bm25t'
  | 'tfldp'
  | 'lm-dirichlet'
  | 'lm-jm'
  | 'tfidf';

/** A similarity by name, or with parameters: `{ name: 'lucene', k1: 0.9, b: 0.4 }`. */
export type SimilaritySpec = SimilarityName | { name: SimilarityName; [parameter: string]: Parameter };

export interface ResolvedSimilarity {
  name: string;
  parameters: Record<string, Parameter>;
  /** Equal keys score alike. */
  key: string;
  prepare(collection: Collection): PreparedSimilarity;
}

/** Fills in defaults and checks parameters. Throws IndexError 'argument'. */
export function resolveSimilarity(spec: SimilaritySpec): ResolvedSimilarity {
  const { name, ...given } = typeof spec === 'string' ? { name: spec } : spec;
  const definition = similarities.get(name);
  if (definition === undefined) {
    throw new IndexError(
      'argument',
      `similarity: none is named ${JSON.stringify(name)}; there are ${[...similarities.keys()].join(', ')}`,
    );
  }
  return resolveDefinition(definition, given as Record<string, Parameter | undefined>);
}

/** As `resolveSimilarity`, for a similarity that is at hand. */
export function resolveDefinition(
  definition: SimilarityDefinition,
  given: Readonly<Record<string, Parameter | undefined>>,
): ResolvedSimilarity {
  const { name } = definition;
  const parameters = { ...definition.defaults };
  for (const [parameter, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const check = definition.check[parameter];
    if (check === undefined) {
      throw new IndexError(
        'argument',
        `similarity ${name}: has no parameter ${JSON.stringify(parameter)}; its parameters: ${Object.keys(definition.defaults).join(', ')}`,
      );
    }
    const problem = check(value);
    if (problem !== undefined) {
      throw new IndexError(
        'argument',
        `similarity ${name}: ${parameter} is ${JSON.stringify(value)}, ${problem}`,
      );
    }
    parameters[parameter] = value;
  }
  return {
    name,
    parameters,
    key: JSON.stringify([name, parameters]),
    prepare: collection => definition.prepare(parameters, collection),
  };
}

export type {
  Collection,
  Parameter,
  PreparedSimilarity,
  SimilarityDefinition,
  TermScorer,
  TermStatistics,
} from './types.ts';
