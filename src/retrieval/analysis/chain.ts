import { type FilterSpec, type ShingleSettings, type TermFilter, termFilter } from './filters.ts';
import { TermStream } from './term-stream.ts';

// What a tokenizer's term became: nothing yet, dropped, one term (even), or several (odd).
const UNKNOWN = 0;
const DROPPED = 1;
const PAIR = 2 ** 26;

/**
 * A tokenizer whose terms go through filters. Each distinct term goes through them once; after that it is
 * looked up by its number, and shingles by the numbers of their parts.
 */
export class ChainStream extends TermStream {
  private readonly tokenizer: TermStream;
  private readonly filters: readonly TermFilter[];
  private readonly shingles: ShingleSettings | undefined;
  private became = new Int32Array(1 << 10);
  private readonly lists: Int32Array[] = [];
  // Terms of the text that are not shingled yet.
  private run = new Int32Array(256);
  private runStarts = new Int32Array(256);
  private runEnds = new Int32Array(256);
  private length = 0;
  /** By size: the number of a shingle from the number of all but its last term, and of that. */
  private readonly known: Map<number, number>[] = [];

  constructor(tokenizer: TermStream, filters: readonly FilterSpec[]) {
    super();
    this.tokenizer = tokenizer;
    const plain: TermFilter[] = [];
    let shingles: ShingleSettings | undefined;
    for (const filter of filters) {
      if (typeof filter === 'object' && 'shingles' in filter) {
        const { min = 2, max = 2, words = true } = filter.shingles;
        shingles = { min, max, words };
      } else plain.push(termFilter(filter));
    }
    this.filters = plain;
    this.shingles = shingles;
    for (let size = 0; shingles !== undefined && size <= shingles.max; size++) this.known.push(new Map());
  }

  override get memoryBytes(): number {
    const pairs = this.known.reduce((sum, map) => sum + map.size, 0);
    return (
      super.memoryBytes +
      this.tokenizer.memoryBytes +
      this.became.byteLength +
      pairs * 48 +
      this.lists.length * 96
    );
  }

  protected scan(bytes: Uint8Array, start: number, end: number): void {
    const { tokenizer } = this;
    const count = tokenizer.analyze(bytes, start, end);
    const { ids, starts, ends } = tokenizer;
    this.length = 0;
    for (let i = 0; i < count; i++) {
      const code = this.code(ids[i]);
      if (code === DROPPED) continue;
      if ((code & 1) === 0) this.take((code >> 1) - 1, starts[i], ends[i]);
      else for (const id of this.lists[(code - 3) >> 1]) this.take(id, starts[i], ends[i]);
    }
    if (this.shingles !== undefined) this.shingle(this.shingles);
  }

  protected resolve(token: string): string {
    return token;
  }

  private take(id: number, start: number, end: number): void {
    if (this.shingles === undefined) {
      this.emit(id, start, end);
      return;
    }
    if (this.length === this.run.length) {
      this.run = wider(this.run, this.length * 2);
      this.runStarts = wider(this.runStarts, this.length * 2);
      this.runEnds = wider(this.runEnds, this.length * 2);
    }
    this.run[this.length] = id;
    this.runStarts[this.length] = start;
    this.runEnds[this.length++] = end;
  }

  private shingle({ min, max, words }: ShingleSettings): void {
    const { run, runStarts, runEnds, length } = this;
    for (let i = 0; i < length; i++) {
      let id = run[i];
      if (words) this.emit(id, runStarts[i], runEnds[i]);
      for (let size = 2; size <= max && i + size <= length; size++) {
        const last = i + size - 1;
        id = this.joined(size, id, run[last]);
        if (size >= min) this.emit(id, runStarts[i], runEnds[last]);
      }
    }
  }

  private joined(size: number, first: number, last: number): number {
    const key = first * PAIR + last;
    const kept = this.known[size].get(key);
    if (kept !== undefined) return kept;
    const id = this.termId(`${this.term(first)} ${this.term(last)}`);
    this.known[size].set(key, id);
    return id;
  }

  /** What a tokenizer's term becomes. */
  private code(token: number): number {
    if (token >= this.became.length)
      this.became = wider(this.became, Math.max(token + 1, this.became.length * 2));
    const kept = this.became[token];
    if (kept !== UNKNOWN) return kept;
    let terms = [this.tokenizer.term(token)];
    for (const filter of this.filters)
      terms = terms.flatMap(term => filter(term)).filter(term => term !== '');
    let code = DROPPED;
    if (terms.length === 1) code = (this.termId(terms[0]) + 1) << 1;
    else if (terms.length > 1) {
      code = (this.lists.length << 1) + 3;
      this.lists.push(Int32Array.from(terms, term => this.termId(term)));
    }
    this.became[token] = code;
    return code;
  }
}

function wider(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(size);
  grown.set(old);
  return grown;
}
