/** The parameter that names an analyzer, the same wherever one is chosen. */
import { z } from 'zod';
import {
  ANALYZER_NAMES,
  AnalyzerError,
  type AnalyzerSpec,
  createAnalyzer,
} from '../../src/retrieval/analysis/index.ts';

const names = ANALYZER_NAMES as readonly [string, ...string[]];

/** A name, or an object with a name and that analyzer's options. */
export const analyzerParam = z.union([
  z.enum(names),
  z.object({ name: z.enum(names) }).catchall(z.unknown()),
]);

/** What is wrong with an analyzer's options. */
export function analyzerProblems(spec: z.output<typeof analyzerParam>): string[] {
  try {
    createAnalyzer(spec as AnalyzerSpec);
    return [];
  } catch (error) {
    if (error instanceof AnalyzerError) return [`with.analyzer: ${error.message}`];
    throw error;
  }
}
