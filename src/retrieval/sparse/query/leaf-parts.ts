import { contribution } from '../contribution.ts';
import { toGrid } from '../grid.ts';
import type { TermScorer } from '../similarity/index.ts';
import { type PostingsWindow, WINDOW } from './postings-window.ts';

/** Adds what one member of a scoring gives for one clause, over one segment. */
export interface LeafPart {
  /** Which of the members' sums it adds to. */
  readonly member: number;
  /** The postings it reads. */
  readonly windows: readonly PostingsWindow[];
  /** Adds to the sums `scores[at + doc - base]` of the window's documents. */
  add(base: number, end: number, scores: Float64Array, at: number): void;
  /** What it adds for one document. */
  score(doc: number): number;
}

/** A term under a similarity of one space. */
export class TermPart implements LeafPart {
  readonly member: number;
  readonly windows: readonly PostingsWindow[];
  private readonly window: PostingsWindow;
  private readonly scorer: TermScorer;
  private readonly lengths: Uint32Array;
  private readonly pivots: Float64Array;
  private readonly count: number;

  constructor(
    member: number,
    window: PostingsWindow,
    scorer: TermScorer,
    lengths: Uint32Array,
    pivots: Float64Array,
    count: number,
  ) {
    this.member = member;
    this.window = window;
    this.windows = [window];
    this.scorer = scorer;
    this.lengths = lengths;
    this.pivots = pivots;
    this.count = count;
  }

  add(base: number, end: number, scores: Float64Array, at: number): void {
    const { window, scorer, lengths, pivots, count } = this;
    window.load(base, end);
    const { docs, tfs, size } = window;
    for (let i = 0; i < size; i++) {
      scores[at + docs[i] - base] += contribution(scorer, tfs[i], lengths[docs[i]], pivots) * count;
    }
  }

  score(doc: number): number {
    const tf = this.window.at(doc);
    return tf === 0 ? 0 : contribution(this.scorer, tf, this.lengths[doc], this.pivots) * this.count;
  }
}

/** One field of a term under bm25f. */
export interface WeightedField {
  window: PostingsWindow;
  weight: number;
  lengths: Uint32Array;
  /** u(l) with the field's own b. */
  pivots: Float64Array;
}

/** A term under bm25f: fields flow together before the saturation. */
export class FieldsPart implements LeafPart {
  readonly member: number;
  readonly windows: readonly PostingsWindow[];
  private readonly fields: readonly WeightedField[];
  private readonly weight: number;
  private readonly k1: number;
  private readonly count: number;
  private readonly flow: Float64Array;

  /** `weight`: idf · boost; `flow`: room for a window, zeros. */
  constructor(
    member: number,
    fields: readonly WeightedField[],
    weight: number,
    k1: number,
    count: number,
    flow: Float64Array,
  ) {
    this.member = member;
    this.fields = fields;
    this.windows = fields.map(f => f.window);
    this.weight = weight;
    this.k1 = k1;
    this.count = count;
    this.flow = flow;
  }

  add(base: number, end: number, scores: Float64Array, at: number): void {
    const { fields, flow } = this;
    for (const { window, weight, lengths, pivots } of fields) {
      window.load(base, end);
      const { docs, tfs, size } = window;
      for (let i = 0; i < size; i++) flow[docs[i] - base] += (weight * tfs[i]) / pivots[lengths[docs[i]]];
    }
    for (const { window } of fields) {
      const { docs, size } = window;
      for (let i = 0; i < size; i++) {
        const place = docs[i] - base;
        if (flow[place] === 0) continue;
        scores[at + place] += saturate(this.weight, flow[place], this.k1) * this.count;
        flow[place] = 0;
      }
    }
  }

  score(doc: number): number {
    const flow = flowOf(
      this.fields,
      doc,
      this.fields.map(f => f.window.at(doc)),
    );
    return flow === 0 ? 0 : saturate(this.weight, flow, this.k1) * this.count;
  }
}

/** f': Σ w·f/u over fields, in their order. */
export function flowOf(
  fields: readonly Omit<WeightedField, 'window'>[],
  doc: number,
  tfs: readonly number[],
): number {
  let flow = 0;
  fields.forEach(({ weight, lengths, pivots }, f) => {
    if (tfs[f] > 0) flow += (weight * tfs[f]) / pivots[lengths[doc]];
  });
  return flow;
}

/** idf·f'/(k1 + f'), on the grid. */
export const saturate = (weight: number, flow: number, k1: number): number =>
  toGrid((weight * flow) / (k1 + flow));

export const flowRoom = (): Float64Array => new Float64Array(WINDOW);
