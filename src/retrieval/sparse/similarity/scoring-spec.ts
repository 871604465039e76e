import { IndexError } from '../errors.ts';
import { impact } from './impact.ts';
import {
  type ResolvedSimilarity,
  resolveDefinition,
  resolveSimilarity,
  type SimilaritySpec,
  similarities,
} from './index.ts';
import { range } from './types.ts';

/**
 * bm25f (Robertson, Zaragoza & Taylor 2004, the simple form): f' = Σ over fields of w·f/u, u with the
 * field's own b and mean length; then idf·f'/(k1 + f'), the Lucene idf over documents that hold the term
 * in any field. `weights` and `b` by field; b may be one number for all.
 */
export interface Bm25fSpec {
  name: 'bm25f';
  /** Default 1.2. */
  k1?: number;
  /** Default 1 for every text field; a field of weight 0 counts nothing. */
  weights?: Readonly<Record<string, number>>;
  /** Default .75. */
  b?: number | Readonly<Record<string, number>>;
}

/** The dot product of weighted terms. */
export interface ImpactSpec {
  name: 'impact';
}

export type MemberSpec = SimilaritySpec | Bm25fSpec | 'bm25f' | ImpactSpec | 'impact';

/**
 * Several similarities in one pass. `sum`: Σ weight · score. `mean`: Σ weight · (score - min)/(max - min)
 * over Σ weight, min and max over the hits of the query (all equal: 1).
 */
export interface EnsembleSpec {
  name: 'ensemble';
  combine?: 'sum' | 'mean';
  of: readonly { similarity: MemberSpec; weight?: number; field?: string }[];
}

export type ScoringSpec = MemberSpec | EnsembleSpec;

/** Every name a scoring can have. */
export const scoringNames: readonly string[] = [...similarities.keys(), 'bm25f', 'impact', 'ensemble'];

export interface ResolvedBm25f {
  kind: 'bm25f';
  k1: number;
  weights: Readonly<Record<string, number>>;
  b: number | Readonly<Record<string, number>>;
}

export interface Member {
  /** What it is called in explanations. */
  name: string;
  key: string;
  weight: number;
  /** Scores this field only; default all text, or the index's one field of weights. */
  field?: string;
  scorer: { kind: 'text' | 'weights'; similarity: ResolvedSimilarity } | ResolvedBm25f;
}

export interface ResolvedScoring {
  members: Member[];
  combine: 'single' | 'sum' | 'mean';
}

const wrong = (what: string): IndexError => new IndexError('argument', `similarity ${what}`);

function onlyKeys(name: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key))
      throw wrong(`${name}: has no parameter ${JSON.stringify(key)}; its parameters: ${known.join(', ')}`);
  }
}

function number(name: string, parameter: string, value: unknown, check: ReturnType<typeof range>): number {
  const problem = check(value as number);
  if (problem !== undefined) throw wrong(`${name}: ${parameter} is ${JSON.stringify(value)}, ${problem}`);
  return value as number;
}

function numbers(parameter: string, value: unknown, check: ReturnType<typeof range>): Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(`bm25f: ${parameter} is ${JSON.stringify(value)}, wanted { field: number }`);
  for (const [field, n] of Object.entries(value)) number('bm25f', `${parameter}.${field}`, n, check);
  return value as Record<string, number>;
}

function resolveBm25f(spec: Omit<Bm25fSpec, 'name'>): ResolvedBm25f {
  onlyKeys('bm25f', spec, ['k1', 'weights', 'b']);
  const { k1 = 1.2, weights = {}, b = 0.75 } = spec;
  return {
    kind: 'bm25f',
    k1: number('bm25f', 'k1', k1, range(0)),
    weights: numbers('weights', weights, range(0)),
    b: typeof b === 'number' ? number('bm25f', 'b', b, range(0, 1)) : numbers('b', b, range(0, 1)),
  };
}

function resolveMember(spec: MemberSpec, weight = 1, field?: string): Member {
  const { name, ...given } = typeof spec === 'string' ? { name: spec } : spec;
  if (name === 'bm25f') {
    const scorer = resolveBm25f(given as Omit<Bm25fSpec, 'name'>);
    return { name, key: JSON.stringify(scorer), weight, field, scorer };
  }
  if (name === 'impact') {
    const similarity = resolveDefinition(impact, given as Record<string, never>);
    return { name, key: similarity.key, weight, field, scorer: { kind: 'weights', similarity } };
  }
  if ((name as string) === 'ensemble') throw wrong('ensemble: of: an ensemble cannot be in another');
  if (!similarities.has(name))
    throw wrong(`: none is named ${JSON.stringify(name)}; there are ${scoringNames.join(', ')}`);
  const similarity = resolveSimilarity(spec as SimilaritySpec);
  return { name, key: similarity.key, weight, field, scorer: { kind: 'text', similarity } };
}

/** Fills in defaults and checks parameters. Throws IndexError 'argument'. */
export function resolveScoring(spec: ScoringSpec): ResolvedScoring {
  const named = typeof spec === 'string' ? { name: spec } : spec;
  if (named.name !== 'ensemble') {
    return { members: [resolveMember(spec as MemberSpec)], combine: 'single' };
  }
  const { of, combine = 'sum', ...rest } = named as EnsembleSpec;
  onlyKeys('ensemble', rest, ['name', 'of', 'combine']);
  if (!Array.isArray(of) || of.length === 0)
    throw wrong(
      'ensemble: of: wanted a list of { similarity, weight, field }, such as [{ similarity: lucene }, { similarity: tfldp }]',
    );
  if (combine !== 'sum' && combine !== 'mean')
    throw wrong(`ensemble: combine is ${JSON.stringify(combine)}, wanted 'sum' or 'mean'`);
  const members = (of as EnsembleSpec['of']).map(member => {
    onlyKeys('ensemble: a member', member, ['similarity', 'weight', 'field']);
    const { similarity, weight = 1, field } = member;
    number('ensemble', 'weight', weight, range(0, Number.POSITIVE_INFINITY, combine === 'mean'));
    return resolveMember(similarity, weight, field);
  });
  return { members, combine };
}
