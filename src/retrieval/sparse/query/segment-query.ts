import { contribution } from '../contribution.ts';
import type { Fields } from '../fields.ts';
import type { OpenSegment } from '../open-segment.ts';
import type { PostingsList } from '../postings.ts';
import {
  type CompiledQuery,
  type GroupLeaf,
  type Leaf,
  type LeafScore,
  listOf,
  type PhraseLeaf,
} from './compile.ts';
import { FieldsPart, flowOf, flowRoom, type LeafPart, saturate, TermPart } from './leaf-parts.ts';
import { GroupNode, nothing, PhraseNode, type QueryNode, TermNode } from './nodes.ts';
import { type PhraseMatcher, PositionsMatcher, StoredTextMatcher } from './phrase.ts';
import { PostingsWindow, WINDOW } from './postings-window.ts';
import type { SpaceTerm } from './space-scoring.ts';

/** Builds the nodes of a query over one segment. */
export class SegmentQuery {
  readonly open: OpenSegment;
  private readonly fields: Fields;
  private readonly terms: (text: string) => string[];
  private readonly members: number;
  private readonly flow = flowRoom();

  constructor(open: OpenSegment, query: CompiledQuery, fields: Fields, terms: (text: string) => string[]) {
    this.open = open;
    this.fields = fields;
    this.terms = terms;
    this.members = query.scoring.members.length;
  }

  node(leaf: Leaf): QueryNode {
    if (leaf.kind === 'group') return this.group(leaf);
    if (leaf.kind === 'phrase') return this.phrase(leaf);
    const parts = this.parts(leaf.scores, leaf.count);
    const windows = [...new Set(parts.flatMap(part => part.windows))];
    return windows.length === 0 ? nothing : new TermNode(windows, parts);
  }

  /** What members give for a term, each list of postings read once. */
  parts(scores: readonly LeafScore[], count: number): LeafPart[] {
    const { segment } = this.open;
    const windows = new Map<string, PostingsWindow>();
    const windowOf = (term: SpaceTerm): PostingsWindow | undefined => {
      const kept = windows.get(term.name);
      if (kept !== undefined) return kept;
      const list = listOf(this.open, term);
      if (list === undefined) return undefined;
      const window = new PostingsWindow(list);
      windows.set(term.name, window);
      return window;
    };
    const parts: LeafPart[] = [];
    for (const score of scores) {
      if (score.kind === 'space') {
        const { space, pivots } = score.scoring;
        const window = windowOf(score.term);
        if (window === undefined) continue;
        const lengths = segment.fieldLengths(space.field);
        parts.push(new TermPart(score.member, window, score.scorer, lengths, pivots, count));
      } else {
        const fields = score.scoring.fields.flatMap((field, f) => {
          const term = score.terms[f];
          const window = term && windowOf(term);
          if (window === undefined) return [];
          const { weight, pivots } = field;
          return [{ window, weight, pivots, lengths: segment.fieldLengths(field.space.field) }];
        });
        if (fields.length === 0) continue;
        parts.push(new FieldsPart(score.member, fields, score.weight, score.scoring.k1, count, this.flow));
      }
    }
    return parts;
  }

  /** The matcher of a phrase and the postings of its words; undefined where a word is not in the segment. */
  phraseParts(leaf: PhraseLeaf): { matcher: PhraseMatcher; windows: PostingsWindow[] } | undefined {
    if (leaf.words === undefined) return undefined;
    const words: { word: string; entry: Uint8Array; list: PostingsList }[] = [];
    for (const term of leaf.words) {
      const list = listOf(this.open, term);
      if (list === undefined) return undefined;
      words.push({ word: term.word, entry: term.entry, list });
    }
    const lists = new Set(words.map(w => w.list));
    const { fields, open } = this;
    const matcher = fields.layout.positions
      ? new PositionsMatcher(
          open,
          words,
          fields.text.map(f => open.segment.fieldLengths(f)),
        )
      : new StoredTextMatcher(
          open,
          words.map(w => w.word),
          fields.textNames,
          this.terms,
        );
    return { matcher, windows: [...lists].map(list => new PostingsWindow(list)) };
  }

  /** How often a phrase counts in the space of a score, from how often it stands in each text field. */
  phraseFrequency(score: Extract<LeafScore, { kind: 'space' }>, frequencies: readonly number[]): number {
    const place = this.fields.text.indexOf(score.scoring.space.field);
    return place < 0 ? frequencies.reduce((sum, f) => sum + f, 0) : frequencies[place];
  }

  phraseFieldFrequency(field: string, frequencies: readonly number[]): number {
    return frequencies[this.fields.textNames.indexOf(field)];
  }

  /** What one member gives for one word of a phrase that a document has so often, field by field. */
  phraseScore(score: LeafScore, doc: number, frequencies: readonly number[]): number {
    const { segment } = this.open;
    if (score.kind === 'space') {
      const { space, pivots } = score.scoring;
      const tf = this.phraseFrequency(score, frequencies);
      return tf === 0 ? 0 : contribution(score.scorer, tf, segment.fieldLengths(space.field)[doc], pivots);
    }
    const fields = score.scoring.fields.map(f => ({ ...f, lengths: segment.fieldLengths(f.space.field) }));
    const tfs = score.scoring.fields.map(f => this.phraseFieldFrequency(f.name, frequencies));
    const flow = flowOf(fields, doc, tfs);
    return flow === 0 ? 0 : saturate(score.weight, flow, score.scoring.k1);
  }

  private phrase(leaf: PhraseLeaf): QueryNode {
    const parts = this.phraseParts(leaf);
    if (parts === undefined) return nothing;
    const add = (doc: number, frequencies: readonly number[], scores: Float64Array, at: number): void => {
      for (const score of leaf.scores)
        scores[score.member * WINDOW + at] += this.phraseScore(score, doc, frequencies);
    };
    return new PhraseNode(parts.matcher, parts.windows, leaf.field, add);
  }

  private group(leaf: GroupLeaf): QueryNode {
    const nodes = (leaves: readonly Leaf[]) => leaves.map(child => this.node(child));
    return new GroupNode(nodes(leaf.must), nodes(leaf.should), nodes(leaf.not), this.members);
  }
}
