import type { LeafPart } from './leaf-parts.ts';
import type { PhraseMatcher } from './phrase.ts';
import { NO_DOCUMENT, type PostingsWindow, WINDOW } from './postings-window.ts';

/** Words of a bitmap over a window. */
export const MARKS = WINDOW / 32;

/** A clause over one segment. Windows are asked for in ascending order. */
export interface QueryNode {
  /** A document no later than the next match at or after `from`. */
  next(from: number): number;
  /**
   * Marks the matches among documents [base, end). Where `scores` is given adds to its sums, member m's at
   * m · WINDOW; sums of documents that do not match may be changed too.
   */
  window(base: number, end: number, marks: Int32Array, scores: Float64Array | undefined): void;
}

/** Clears marks above those of a window's documents; bit i of word i >> 5 is document base + i. */
const mark = (marks: Int32Array, at: number): void => {
  marks[at >>> 5] |= 1 << at;
};

const earliest = (windows: readonly PostingsWindow[], from: number): number =>
  windows.reduce((doc, window) => Math.min(doc, window.next(from)), NO_DOCUMENT);

/** A term: matches where one of the postings it reads has it. */
export class TermNode implements QueryNode {
  private readonly windows: readonly PostingsWindow[];
  private readonly parts: readonly LeafPart[];

  constructor(windows: readonly PostingsWindow[], parts: readonly LeafPart[]) {
    this.windows = windows;
    this.parts = parts;
  }

  next(from: number): number {
    return earliest(this.windows, from);
  }

  window(base: number, end: number, marks: Int32Array, scores: Float64Array | undefined): void {
    for (const window of this.windows) {
      window.load(base, end);
      const { docs, size } = window;
      for (let i = 0; i < size; i++) mark(marks, docs[i] - base);
    }
    if (scores === undefined) return;
    for (const part of this.parts) part.add(base, end, scores, part.member * WINDOW);
  }
}

/** A phrase: matches where it occurs; `add` gives what a document's phrase adds to each member's sum. */
export class PhraseNode implements QueryNode {
  private readonly matcher: PhraseMatcher;
  private readonly windows: readonly PostingsWindow[];
  private readonly field: number | undefined;
  private readonly add: (
    doc: number,
    frequencies: readonly number[],
    scores: Float64Array,
    at: number,
  ) => void;

  /** `windows`: the postings of each word; `field`: the place among the text fields where it has to occur. */
  constructor(
    matcher: PhraseMatcher,
    windows: readonly PostingsWindow[],
    field: number | undefined,
    add: (doc: number, frequencies: readonly number[], scores: Float64Array, at: number) => void,
  ) {
    this.matcher = matcher;
    this.windows = windows;
    this.field = field;
    this.add = add;
  }

  next(from: number): number {
    return this.windows.reduce((doc, window) => Math.max(doc, window.next(from)), from);
  }

  window(base: number, end: number, marks: Int32Array, scores: Float64Array | undefined): void {
    let fewest = this.windows[0];
    for (const window of this.windows) {
      window.load(base, end);
      if (window.size < fewest.size) fewest = window;
    }
    const at = this.windows.map(() => 0);
    for (let i = 0; i < fewest.size; i++) {
      const doc = fewest.docs[i];
      if (!this.holdsAll(doc, at)) continue;
      const frequencies = this.matcher.frequencies(doc);
      const held = this.field === undefined ? frequencies.some(f => f > 0) : frequencies[this.field] > 0;
      if (!held) continue;
      mark(marks, doc - base);
      if (scores !== undefined) this.add(doc, frequencies, scores, doc - base);
    }
  }

  private holdsAll(doc: number, at: number[]): boolean {
    for (let w = 0; w < this.windows.length; w++) {
      const { docs, size } = this.windows[w];
      while (at[w] < size && docs[at[w]] < doc) at[w]++;
      if (at[w] === size || docs[at[w]] !== doc) return false;
    }
    return true;
  }
}

/** A group of clauses. */
export class GroupNode implements QueryNode {
  private readonly must: readonly QueryNode[];
  private readonly should: readonly QueryNode[];
  private readonly not: readonly QueryNode[];
  private readonly sums: Float64Array;
  private readonly members: number;
  private readonly found = new Int32Array(MARKS);
  private readonly other = new Int32Array(MARKS);

  constructor(
    must: readonly QueryNode[],
    should: readonly QueryNode[],
    not: readonly QueryNode[],
    members: number,
  ) {
    this.must = must;
    this.should = should;
    this.not = not;
    this.members = members;
    this.sums = new Float64Array(must.length + not.length === 0 ? 0 : members * WINDOW);
  }

  next(from: number): number {
    if (this.must.length > 0) return this.must.reduce((doc, node) => Math.max(doc, node.next(from)), from);
    return this.should.reduce((doc, node) => Math.min(doc, node.next(from)), NO_DOCUMENT);
  }

  window(base: number, end: number, marks: Int32Array, scores: Float64Array | undefined): void {
    const { must, should, not, found, other, sums, members } = this;
    if (must.length + not.length === 0) {
      for (const node of should) node.window(base, end, marks, scores);
      return;
    }
    // Sums of its own: what a document's clauses give counts only where the group matches.
    const own = scores === undefined ? undefined : sums;
    found.fill(0);
    must.forEach((node, i) => {
      const into = i === 0 ? found : other;
      if (i > 0) other.fill(0);
      node.window(base, end, into, own);
      if (i > 0) for (let w = 0; w < MARKS; w++) found[w] &= other[w];
    });
    if (must.length === 0) for (const node of should) node.window(base, end, found, own);
    else if (own !== undefined) for (const node of should) node.window(base, end, other, own);
    for (const node of not) {
      other.fill(0);
      node.window(base, end, other, undefined);
      for (let w = 0; w < MARKS; w++) found[w] &= ~other[w];
    }
    for (let w = 0; w < MARKS; w++) {
      let bits = found[w];
      marks[w] |= bits;
      while (bits !== 0 && scores !== undefined) {
        const at = w * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        for (let m = 0; m < members; m++) scores[m * WINDOW + at] += sums[m * WINDOW + at];
      }
    }
    own?.fill(0);
  }
}

/** Matches nothing. */
export const nothing: QueryNode = { next: () => NO_DOCUMENT, window: () => {} };
