/** The k best documents seen, best by score, then by key: a binary heap with the worst at its root. */
export class TopK {
  k: number;
  size = 0;
  private scores: Float64Array;
  private docs: Int32Array;
  private readonly before: (a: number, b: number) => boolean;

  /** `before(a, b)`: document a's key sorts before b's. */
  constructor(k: number, before: (a: number, b: number) => boolean) {
    this.k = k;
    this.scores = new Float64Array(k);
    this.docs = new Int32Array(k);
    this.before = before;
  }

  /** As new, for the next search; it must be empty. */
  reset(k: number): this {
    this.k = k;
    this.floor = Number.NEGATIVE_INFINITY;
    if (k > this.scores.length) {
      this.scores = new Float64Array(k);
      this.docs = new Int32Array(k);
    }
    return this;
  }

  /** A score that k documents are known to reach, seen or not. */
  private floor = Number.NEGATIVE_INFINITY;

  /** A score below this cannot be among the k best; one equal to it can, by its key. */
  get threshold(): number {
    return this.size < this.k ? this.floor : Math.max(this.floor, this.scores[0]);
  }

  /** Takes note that k documents reach `score`. */
  atLeast(score: number): void {
    if (score > this.floor) this.floor = score;
  }

  offer(doc: number, score: number): void {
    if (this.size < this.k) {
      let at = this.size++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!this.worse(score, doc, this.scores[parent], this.docs[parent])) break;
        this.scores[at] = this.scores[parent];
        this.docs[at] = this.docs[parent];
        at = parent;
      }
      this.scores[at] = score;
      this.docs[at] = doc;
    } else if (this.k > 0 && this.worse(this.scores[0], this.docs[0], score, doc)) this.sink(score, doc);
  }

  /** Empties the heap, best first, into arrays of its size: new ones where none are given. */
  take(
    docs = new Int32Array(this.size),
    scores = new Float64Array(this.size),
  ): { docs: Int32Array; scores: Float64Array } {
    while (this.size > 0) {
      const at = --this.size;
      docs[at] = this.docs[0];
      scores[at] = this.scores[0];
      this.sink(this.scores[at], this.docs[at]);
    }
    return { docs, scores };
  }

  private worse(score: number, doc: number, otherScore: number, otherDoc: number): boolean {
    if (score !== otherScore) return score < otherScore;
    return this.before(otherDoc, doc);
  }

  private sink(score: number, doc: number): void {
    const { scores, docs, size } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.worse(scores[child + 1], docs[child + 1], scores[child], docs[child]))
        child++;
      if (!this.worse(scores[child], docs[child], score, doc)) break;
      scores[at] = scores[child];
      docs[at] = docs[child];
      at = child;
    }
    scores[at] = score;
    docs[at] = doc;
  }
}
