/** A query as a tree over terms the analyzer gave. */
export type Clause = TermClause | PhraseClause | GroupClause;

/** A term; `field` undefined: all text. */
export interface TermClause {
  kind: 'term';
  word: string;
  field: string | undefined;
  /** Multiplies its score. */
  boost: number;
}

/** Two or more terms one after the other. */
export interface PhraseClause {
  kind: 'phrase';
  words: string[];
  field: string | undefined;
  boost: number;
}

/** Matches where every `must` does (one of `should`, where there is no `must`) and no `not`. */
export interface GroupClause {
  kind: 'group';
  must: Clause[];
  should: Clause[];
  not: Clause[];
}

export const emptyGroup = (): GroupClause => ({ kind: 'group', must: [], should: [], not: [] });

/** Every clause that scores, in order. */
export function* scoredClauses(clause: Clause): Generator<TermClause | PhraseClause> {
  if (clause.kind !== 'group') yield clause;
  else for (const child of [...clause.must, ...clause.should]) yield* scoredClauses(child);
}

/** The clause with its scores multiplied. */
export function boosted(clause: Clause, factor: number): Clause {
  if (factor === 1) return clause;
  if (clause.kind !== 'group') return { ...clause, boost: clause.boost * factor };
  const all = (children: Clause[]) => children.map(child => boosted(child, factor));
  return { ...clause, must: all(clause.must), should: all(clause.should) };
}
