import { IndexError } from '../errors.ts';
import type { Fields, TermSpace } from '../fields.ts';
import { GRID_LIMIT, toGrid } from '../grid.ts';
import type { OpenSegment } from '../open-segment.ts';
import type { PostingsList } from '../postings.ts';
import type { TermScorer } from '../similarity/index.ts';
import type { ResolvedScoring } from '../similarity/scoring-spec.ts';
import type { Clause, GroupClause, PhraseClause, TermClause } from './ast.ts';
import type { FlowScoring, Members } from './members.ts';
import { findTerm, type QueryHost, type SpaceScoring, type SpaceTerm, weighted } from './space-scoring.ts';

/** What one member gives for one term. */
export type LeafScore =
  | {
      kind: 'space';
      member: number;
      scoring: SpaceScoring;
      term: SpaceTerm;
      scorer: TermScorer;
      boost: number;
    }
  | {
      kind: 'flow';
      member: number;
      scoring: FlowScoring;
      /** The term in each of the scoring's fields; undefined where none holds it. */
      terms: readonly (SpaceTerm | undefined)[];
      /** n over all text, and idf · boost. */
      documents: number;
      weight: number;
      boost: number;
    };

export interface TermLeaf {
  kind: 'term';
  clause: TermClause;
  /** How often the query repeats it. */
  count: number;
  scores: LeafScore[];
}

export interface PhraseLeaf {
  kind: 'phrase';
  clause: PhraseClause;
  /** Its words where they are looked for; undefined where one is nowhere. */
  words: SpaceTerm[] | undefined;
  /** Place among the text fields where it has to occur. */
  field: number | undefined;
  scores: LeafScore[];
}

export interface GroupLeaf {
  kind: 'group';
  must: Leaf[];
  should: Leaf[];
  not: Leaf[];
}

export type Leaf = TermLeaf | PhraseLeaf | GroupLeaf;

/** A member's numbers for the query as a whole. */
export interface MemberTotals {
  /** Added to every document: terms counted where absent. */
  constant: number;
  /** Terms of the collection, repeats and boosts included. */
  count: number;
  /** How the sum becomes the score, where it is not the score. */
  scoring: SpaceScoring | undefined;
}

export interface CompiledQuery {
  root: GroupLeaf;
  scoring: ResolvedScoring;
  members: MemberTotals[];
  /** Whether sums in any order are exact. */
  exact: boolean;
}

/** Looks up statistics and scorers of a query's clauses. Throws IndexError 'argument'. */
export function compile(
  clause: GroupClause,
  scoring: ResolvedScoring,
  host: QueryHost,
  fields: Fields,
  open: Members,
): CompiledQuery {
  open.check(scoring);
  const members: MemberTotals[] = scoring.members.map(() => ({ constant: 0, count: 0, scoring: undefined }));
  let largest = 0;

  const scoresOf = (word: string, field: string | undefined, boost: number, count: number): LeafScore[] => {
    let scored = false;
    const scores: LeafScore[] = [];
    scoring.members.forEach((member, m) => {
      const opened = open.open(member, field);
      if (opened === undefined) return;
      scored = true;
      if (opened.kind === 'space') {
        const of = opened.scoring;
        members[m].scoring ??= of;
        const term = findTerm(host, of.space, word);
        if (term === undefined) return;
        const plain = of.scorer(term);
        const absent = toGrid((plain.absent ?? 0) * boost);
        members[m].constant += absent * count;
        members[m].count += boost * count;
        largest += (of.largest(term) * Math.abs(boost) + Math.abs(absent)) * count;
        scores.push({
          kind: 'space',
          member: m,
          scoring: of,
          term,
          scorer: weighted(plain, boost, absent),
          boost,
        });
      } else {
        const of = opened.scoring;
        const anywhere = findTerm(host, fields.space(), word);
        const terms = of.fields.map(f => findTerm(host, f.space, word));
        if (anywhere === undefined || terms.every(t => t === undefined)) return;
        const { documents } = anywhere;
        scores.push({
          kind: 'flow',
          member: m,
          scoring: of,
          terms,
          documents,
          weight: of.idf(documents) * boost,
          boost,
        });
      }
    });
    if (!scored) throw noScorer(scoring, field, fields);
    return scores;
  };

  const leaves = (clauses: readonly Clause[], scored: boolean, merge: boolean): Leaf[] => {
    const out: Leaf[] = [];
    const terms = new Map<string, TermLeaf>();
    for (const child of clauses) {
      if (child.kind !== 'term' || !merge) {
        out.push(leaf(child, scored));
        continue;
      }
      const key = JSON.stringify([child.word, child.field ?? null, child.boost]);
      const known = terms.get(key);
      if (known !== undefined) known.count++;
      else {
        const made: TermLeaf = { kind: 'term', clause: child, count: 1, scores: [] };
        terms.set(key, made);
        out.push(made);
      }
    }
    for (const made of terms.values()) {
      made.scores = scoresOf(made.clause.word, made.clause.field, made.clause.boost, scored ? made.count : 0);
    }
    return out;
  };

  const leaf = (child: Clause, scored: boolean): Leaf => {
    if (child.kind === 'group') return group(child, scored);
    const count = scored ? 1 : 0;
    if (child.kind === 'term')
      return {
        kind: 'term',
        clause: child,
        count: 1,
        scores: scoresOf(child.word, child.field, child.boost, count),
      };
    const space = phraseSpace(child, fields);
    const words = child.words.map(word => findTerm(host, space, word));
    const whole = words.every(word => word !== undefined);
    return {
      kind: 'phrase',
      clause: child,
      words: whole ? (words as SpaceTerm[]) : undefined,
      field: child.field === undefined ? undefined : fields.textNames.indexOf(child.field),
      scores: whole ? child.words.flatMap(word => scoresOf(word, child.field, child.boost, count)) : [],
    };
  };

  const group = (of: GroupClause, scored: boolean): GroupLeaf => ({
    kind: 'group',
    must: leaves(of.must, scored, false),
    should: leaves(of.should, scored, true),
    not: leaves(of.not, false, false),
  });

  const root = group(clause, true);
  return { root, scoring, members, exact: largest < GRID_LIMIT };
}

/** Where a phrase's words are looked for: all text holds the places of all fields. */
const phraseSpace = (clause: PhraseClause, fields: Fields): TermSpace => {
  if (clause.field !== undefined) fields.space(clause.field);
  return fields.space();
};

function noScorer(scoring: ResolvedScoring, field: string | undefined, fields: Fields): IndexError {
  const names = scoring.members.map(m => m.name).join(', ');
  const wanted =
    field !== undefined && !fields.isText(field)
      ? `weights of field "${field}", which impact scores`
      : 'text, which a similarity of text scores';
  return new IndexError(
    'argument',
    `similarity ${names}: the query has ${wanted}; choose that, or an ensemble of both`,
  );
}

/** A term's postings in a segment; undefined where it has no live one there. */
export const listOf = (open: OpenSegment, term: SpaceTerm): PostingsList | undefined =>
  open.postings(term.name, term.entry);
