/** The lowest of the k greatest numbers seen: a heap with the lowest on top. */
export class Lowest {
  /** Negative infinity while fewer than k were seen. */
  value = Number.NEGATIVE_INFINITY;
  private readonly heap: Float64Array;
  private size = 0;

  constructor(k: number) {
    this.heap = new Float64Array(k);
  }

  offer(x: number): void {
    const { heap } = this;
    if (this.size < heap.length) {
      let at = this.size++;
      for (let up = (at - 1) >> 1; at > 0 && heap[up] > x; up = (at - 1) >> 1) {
        heap[at] = heap[up];
        at = up;
      }
      heap[at] = x;
      if (this.size === heap.length) this.value = heap[0];
      return;
    }
    if (x <= heap[0]) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && heap[down + 1] < heap[down]) down++;
      if (heap[down] >= x) break;
      heap[at] = heap[down];
      at = down;
    }
    heap[at] = x;
    this.value = heap[0];
  }
}
