/** Parameters that say what search.sparse looks for and how it scores. */
import { z } from 'zod';
import {
  IndexError,
  type QueryOptions,
  resolveScoring,
  type ScoringSpec,
  scoringNames,
} from '../../src/retrieval/sparse/index.ts';
import { HITS } from './hits.ts';

const names = scoringNames as readonly [string, ...string[]];

export const similarityParam = z.union([
  z.enum(names),
  z.object({ name: z.enum(names) }).catchall(z.unknown()),
]);

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const bound = z.union([z.string(), z.number()]);

export const filterParam = z.record(
  z.string(),
  z.union([
    value,
    z.array(value),
    z.strictObject({
      min: bound.optional().describe('the least value'),
      max: bound.optional().describe('the greatest value'),
    }),
  ]),
);

export const feedbackParam = z.union([
  z.boolean(),
  z.strictObject({
    documents: z.int().positive().default(10).describe('hits that are read'),
    terms: z.int().positive().default(10).describe('terms that join the query'),
    weight: z.number().min(0).max(1).default(0.5).describe('what the query keeps of the whole'),
  }),
]);

export const weightsParam = z.union([
  z.string(),
  z.strictObject({
    column: z.string().describe('objects as JSON text, or lists of terms'),
    weights: z.string().optional().describe('with lists of terms: the column that lists their weights'),
    field: z
      .string()
      .optional()
      .describe('the field of the index they are of; default: its field of weights, else all text'),
  }),
]);

interface Params {
  readonly similarity?: z.output<typeof similarityParam>;
  readonly column?: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly syntax: 'plain' | 'query';
  readonly field?: string;
  readonly filter: z.output<typeof filterParam>;
  readonly feedback: z.output<typeof feedbackParam>;
  readonly weights?: z.output<typeof weightsParam>;
}

/** Which column of text is searched: where weights are given, only one that is named. */
export const textColumn = (p: Pick<Params, 'column' | 'weights'>): string | undefined =>
  p.column ?? (p.weights === undefined ? 'question' : undefined);

/** Where the query's weighted terms stand. */
export const weightsOf = (p: Pick<Params, 'weights'>) =>
  typeof p.weights === 'string' ? { column: p.weights } : p.weights;

export const queryOptions = (p: Params): QueryOptions => ({
  similarity: p.similarity as ScoringSpec | undefined,
  syntax: p.syntax,
  field: p.field,
  filter: p.filter as QueryOptions['filter'],
  feedback: p.feedback,
});

/** What is wrong with parameters, as far as no index has to be looked at. */
export function queryProblems(p: Params): string[] {
  const problems = Object.keys(p.columns)
    .filter(name => Object.hasOwn(HITS, name) || name === 'explanation')
    .map(name => `with.columns.${name}: is a column of every hit already`);
  try {
    if (p.similarity !== undefined) resolveScoring(p.similarity as ScoringSpec);
  } catch (error) {
    if (!(error instanceof IndexError)) throw error;
    problems.push(`with.similarity: ${error.message.replace(/^similarity:? ?:? ?/, '')}`);
  }
  return problems;
}
