import { type CompiledQuery, type GroupLeaf, type Leaf, type LeafScore, listOf } from './compile.ts';
import { combined, finishers, type Range, shares } from './finish.ts';
import { flowOf } from './leaf-parts.ts';
import { MARKS } from './nodes.ts';
import { PostingsWindow } from './postings-window.ts';
import type { SegmentQuery } from './segment-query.ts';
import type { QueryHost, SpaceTerm } from './space-scoring.ts';
import type { ExplanationNode, TermExplanation } from './types.ts';

/** How a document comes to its score. */
export interface DocumentExplanation {
  score: number;
  /** Whether the query's clauses hold for it. */
  matches: boolean;
  /** What each term of each similarity adds, in the order of the query. */
  terms: TermExplanation[];
  tree: ExplanationNode;
}

const sumOf = (what: string, details: ExplanationNode[]): ExplanationNode => ({
  value: details.reduce((sum, d) => sum + d.value, 0),
  description: `sum of ${what}`,
  details,
});
const leafNode = (description: string, value: number): ExplanationNode => ({
  value,
  description,
  details: [],
});

/** Takes the score of one document of a segment apart; `ranges` of the members where they are put on one scale. */
export function explainDocument(
  query: CompiledQuery,
  nodes: SegmentQuery,
  doc: number,
  ranges: readonly Range[],
  host: QueryHost,
): DocumentExplanation {
  const { scoring } = query;
  const finish = finishers(query, nodes.open, host.segments);
  const terms: TermExplanation[] = [];
  const matches = holds(query.root, nodes, doc);
  const members = scoring.members.map((member, m) => {
    const own = new MemberTerms(member.name, m, nodes, doc);
    const sum = sumOf('terms', matches || isOpen(query.root) ? own.group(query.root) : []);
    terms.push(...own.terms);
    return finished(query, m, sum, finish[m](sum.value, doc), nodes, doc);
  });
  if (scoring.combine === 'single') return { score: members[0].value, matches, terms, tree: members[0] };
  const scores = members.map(member => member.value);
  const parts = shares(scoring, scores, ranges);
  const tree: ExplanationNode = {
    value: combined(parts),
    description: `sum of similarities, ${scoring.combine === 'mean' ? 'each from 0 to 1 over the hits, ' : ''}weighted`,
    details: scoring.members.map((member, m) => ({
      value: parts[m],
      description:
        scoring.combine === 'sum'
          ? `${member.name} × weight ${member.weight}`
          : `${member.name}, weight ${member.weight}: ${onScale(ranges[m])}`,
      details: [members[m]],
    })),
  };
  return { score: tree.value, matches, terms, tree };
}

/** How a similarity's scores are put on one scale. */
function onScale({ min, max }: { readonly min: number; readonly max: number }): string {
  if (min === max) return 'all hits have one score, which counts as 1';
  const [low, high] = [min, max].map(x => x.toFixed(4));
  return `(score - ${low}) / (${high} - ${low}), the lowest and highest of the hits`;
}

/** Without `must` and `not` every clause counts, whether the document is a hit or not. */
const isOpen = (root: GroupLeaf): boolean => root.must.length + root.not.length === 0;

function holds(leaf: Leaf, nodes: SegmentQuery, doc: number): boolean {
  const marks = new Int32Array(MARKS);
  nodes.node(leaf).window(doc, doc + 1, marks, undefined);
  return marks[0] !== 0;
}

/** A member's sum as its score: with what a similarity adds or divides by once a document. */
function finished(
  query: CompiledQuery,
  m: number,
  sum: ExplanationNode,
  score: number,
  nodes: SegmentQuery,
  doc: number,
): ExplanationNode {
  const { scoring, constant, count } = query.members[m];
  const similarity = scoring?.similarity;
  if (scoring !== undefined && similarity?.cosine !== undefined) {
    const norm = score === 0 ? 0 : sum.value / score;
    return {
      value: score,
      description: 'cosine: the sum of terms over the norm of the document',
      details: [sum, leafNode('norm of all the document’s weights', norm)],
    };
  }
  if (scoring !== undefined && similarity?.document !== undefined) {
    const length = nodes.open.segment.fieldLengths(scoring.space.field)[doc];
    const part = similarity.document(length, count);
    return sumOf('terms and the document’s length', [
      sum,
      leafNode(`length ${length}, for ${Number(count.toFixed(6))} query terms`, part),
    ]);
  }
  if (constant === 0) return sum;
  return sumOf('terms and what every document gets', [
    sum,
    leafNode('query terms, counted in every document', constant),
  ]);
}

/** What one member gives for the clauses of a query, in one document. */
class MemberTerms {
  readonly terms: TermExplanation[] = [];
  private readonly name: string;
  private readonly member: number;
  private readonly nodes: SegmentQuery;
  private readonly doc: number;

  constructor(name: string, member: number, nodes: SegmentQuery, doc: number) {
    this.name = name;
    this.member = member;
    this.nodes = nodes;
    this.doc = doc;
  }

  group(group: GroupLeaf): ExplanationNode[] {
    return [...group.must, ...group.should].flatMap(leaf => this.leaf(leaf));
  }

  private leaf(leaf: Leaf): ExplanationNode[] {
    if (leaf.kind === 'group') {
      if (!isOpen(leaf) && !holds(leaf, this.nodes, this.doc)) return [];
      return [sumOf('a group', this.group(leaf))];
    }
    if (leaf.kind === 'term') {
      return leaf.scores
        .filter(s => s.member === this.member)
        .map(score => {
          const [part] = this.nodes.parts([score], leaf.count);
          return this.term(score, leaf.count, part === undefined ? 0 : part.score(this.doc));
        });
    }
    const frequencies = this.phraseFrequencies(leaf);
    if (frequencies === undefined) return [];
    const own = leaf.scores.filter(s => s.member === this.member);
    const phrase = leaf.clause.words.join(' ');
    return [
      sumOf(
        `the phrase "${phrase}"`,
        own.map(score =>
          this.term(score, 1, this.nodes.phraseScore(score, this.doc, frequencies), { phrase, frequencies }),
        ),
      ),
    ];
  }

  /** How often a phrase stands in each text field; undefined where it does not stand where it has to. */
  private phraseFrequencies(leaf: Extract<Leaf, { kind: 'phrase' }>): number[] | undefined {
    const { nodes, doc } = this;
    if (!holds(leaf, nodes, doc)) return undefined;
    return nodes.phraseParts(leaf)?.matcher.frequencies(doc);
  }

  /** One term; `phrase` where it counts as often as a phrase that it is in. */
  private term(
    score: LeafScore,
    count: number,
    value: number,
    phrase?: { phrase: string; frequencies: readonly number[] },
  ): ExplanationNode {
    const { nodes, doc, name } = this;
    const { segment } = nodes.open;
    const common = { similarity: name, queryFrequency: count, boost: score.boost, score: value };
    const inPhrase = phrase === undefined ? {} : { phrase: phrase.phrase };
    let made: TermExplanation;
    const details: ExplanationNode[] = [];
    if (score.kind === 'space') {
      const { term, scoring, scorer } = score;
      const { space } = scoring;
      const length = segment.fieldLengths(space.field)[doc];
      const frequency = phrase ? nodes.phraseFrequency(score, phrase.frequencies) : this.tf(term);
      made = {
        term: term.word,
        ...inPhrase,
        ...(space.name === '' ? {} : { field: space.name }),
        frequency,
        documents: term.documents,
        ...(scorer.idf === undefined ? {} : { idf: scorer.idf }),
        length,
        lengthNorm: scoring.pivots[length],
        ...common,
      };
      details.push(
        leafNode('tf, in the document', frequency),
        leafNode('df, documents that hold it', term.documents),
        ...(scorer.idf === undefined ? [] : [leafNode('idf', scorer.idf)]),
        leafNode('length of the document in terms', length),
        leafNode('length norm', made.lengthNorm),
      );
    } else {
      const { scoring, terms, documents } = score;
      const fields = scoring.fields.map(f => ({ ...f, lengths: segment.fieldLengths(f.space.field) }));
      const tfs = fields.map((f, i) => {
        const term = terms[i];
        if (phrase) return nodes.phraseFieldFrequency(f.name, phrase.frequencies);
        return term === undefined ? 0 : this.tf(term);
      });
      const flow = flowOf(fields, doc, tfs);
      const idf = scoring.idf(documents);
      const word = terms.find(t => t !== undefined)?.word ?? '';
      made = {
        term: word,
        ...inPhrase,
        frequency: flow,
        documents,
        idf,
        length: fields.reduce((sum, f) => sum + f.lengths[doc], 0),
        lengthNorm: 1,
        fields: fields.map((f, i) => ({
          field: f.name,
          weight: f.weight,
          frequency: tfs[i],
          length: f.lengths[doc],
          lengthNorm: f.pivots[f.lengths[doc]],
        })),
        ...common,
      };
      details.push(
        leafNode('f′, the fields’ weighted tf', flow),
        leafNode('df, documents that hold it', documents),
        leafNode('idf', idf),
        ...fields.map((f, i) =>
          leafNode(
            `tf in ${f.name}, weight ${f.weight}, length ${f.lengths[doc]}, length norm ${f.pivots[f.lengths[doc]]}`,
            tfs[i],
          ),
        ),
      );
    }
    if (count !== 1) details.push(leafNode('times in the query', count));
    if (score.boost !== 1) details.push(leafNode('weight in the query', score.boost));
    this.terms.push(made);
    const field = made.field === undefined ? '' : ` in ${made.field}`;
    return { value, description: `${name}: "${made.term}"${field}`, details };
  }

  private tf(term: SpaceTerm): number {
    const list = listOf(this.nodes.open, term);
    return list === undefined ? 0 : new PostingsWindow(list).at(this.doc);
  }
}
