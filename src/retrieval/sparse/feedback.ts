import { IndexError } from './errors.ts';
import { fieldOfEntry, type TermSpace, termStart } from './fields.ts';
import { impactTable } from './fields-impacts.ts';
import { boosted, emptyGroup, type GroupClause, scoredClauses } from './query/ast.ts';
import type { EngineHost } from './query/engine.ts';
import type { Feedback } from './query/types.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A feedback term with p(w|R). */
export interface FeedbackTerm {
  word: string;
  probability: number;
}

interface Hits {
  docs: Int32Array;
  scores: Float64Array;
}

function whole(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new IndexError('argument', `feedback: ${name} is ${value}, wanted a whole number of at least 1`);
}

/**
 * RM3 (Abdul-Jaleel et al. 2004; parameters as in Anserini): p(w|R) = Σ p(w|d)·score(d)/Σ score over the best
 * documents, p(w|d) = tf/l; the terms highest in it (ties in term order), scaled to sum to 1, join the
 * original query, scaled to `weight`. Terms are those the index holds, with no further filter. Where a score
 * is not positive (query likelihood, raw idf), exp(score - best) stands for it.
 */
export function expand(
  clause: GroupClause,
  settings: Feedback,
  weightsField: string | undefined,
  host: EngineHost,
  search: (k: number) => Hits,
): GroupClause {
  const documents = whole('documents', settings.documents ?? 10);
  const count = whole('terms', settings.terms ?? 10);
  const weight = settings.weight ?? 0.5;
  if (!(weight >= 0 && weight <= 1))
    throw new IndexError('argument', `feedback: weight is ${weight}, wanted a number from 0 to 1`);
  const scored = [...scoredClauses(clause)];
  const hits = search(documents);
  if (scored.length === 0 || hits.docs.length === 0 || weight === 1) return clause;
  // The query's own field; of a query of text and weights, the text.
  const field = scored.some(c => c.field !== weightsField)
    ? scored.find(c => c.field !== weightsField)?.field
    : weightsField;
  const terms = relevanceModel(hits, host.fields.space(field), host).slice(0, count);
  const total = terms.reduce((sum, t) => sum + t.probability, 0);
  const size = scored.reduce((sum, c) => sum + Math.abs(c.boost), 0);
  if (total === 0 || size === 0) return clause;
  const wider = boosted(clause, weight / size) as GroupClause;
  return withTerms(
    wider,
    terms.map(t => ({ word: t.word, probability: ((1 - weight) * t.probability) / total })),
    field,
  );
}

/** The clause with further terms, one term of both getting both weights. */
function withTerms(
  clause: GroupClause,
  terms: readonly FeedbackTerm[],
  field: string | undefined,
): GroupClause {
  const added = new Map(terms.map(t => [t.word, t.probability]));
  const should: GroupClause['should'] = [];
  for (const child of clause.should) {
    const more = child.kind === 'term' && child.field === field ? added.get(child.word) : undefined;
    if (child.kind !== 'term' || more === undefined) should.push(child);
    else {
      should.push({ ...child, boost: child.boost + more });
      added.delete(child.word);
    }
  }
  for (const [word, boost] of added) should.push({ kind: 'term', word, field, boost });
  return { ...emptyGroup(), must: clause.must, not: clause.not, should };
}

/** p(w|R) of every term of the documents, highest first, ties in term order. */
export function relevanceModel(hits: Hits, space: TermSpace, host: EngineHost): FeedbackTerm[] {
  const weights = documentWeights(hits.scores);
  const model = new Map<string, number>();
  const table = space.kind === 'weights' ? impactTable(space.bits ?? 8) : undefined;
  for (let h = 0; h < hits.docs.length; h++) {
    const open = host.segmentOf(hits.docs[h]);
    const cursor = open.segment.terms.cursor();
    const found: { word: string; weight: number }[] = [];
    let length = 0;
    const ordinals: [number, number][] = [];
    open.segment.documentTerms(hits.docs[h] - open.firstDocument, (ordinal, tf) =>
      ordinals.push([ordinal, tf]),
    );
    for (const [ordinal, tf] of ordinals) {
      cursor.at(ordinal);
      const entry = cursor.text.subarray(0, cursor.length);
      if (fieldOfEntry(entry) !== space.field) continue;
      const weight = table === undefined ? tf : table[tf];
      length += weight;
      found.push({ word: decoder.decode(entry.subarray(termStart(entry))), weight });
    }
    for (const { word, weight } of found)
      model.set(word, (model.get(word) ?? 0) + (weight / length) * weights[h]);
  }
  return [...model]
    .map(([word, probability]) => ({ word, probability }))
    .sort(
      (a, b) => b.probability - a.probability || Buffer.compare(Buffer.from(a.word), Buffer.from(b.word)),
    );
}

/** score(d)/Σ score. */
function documentWeights(scores: Float64Array): number[] {
  const positive = scores.every(score => score > 0);
  const best = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const raw = Array.from(scores, score => (positive ? score : Math.exp(score - best)));
  const sum = raw.reduce((total, score) => total + score, 0);
  return raw.map(score => score / sum);
}
