import { ByteDictionary, hashBytes } from './byte-dictionary.ts';
import { TokenCache } from './token-cache.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Longest token in UTF-8 bytes; a longer run is cut into several tokens (Lucene cuts at 255 characters). */
export const MAX_TOKEN_BYTES = 255;

/**
 * The indexing side of an analyzer: turns UTF-8 text into term ids without an object a token. A scanner
 * puts each raw token into `scratch`; each distinct one goes through the slow path (normalise, stop, stem)
 * once, after that its term id is looked up by its bytes.
 */
export abstract class TermStream {
  /** Every term met so far; the ids below point into it. */
  readonly terms = new ByteDictionary(1 << 12);
  /** Ids of the last analysed text's terms in text order; valid up to the count `analyze` gave. */
  ids = new Int32Array(1024);
  /** Byte offsets of each term's source in the analysed buffer. */
  starts = new Int32Array(1024);
  ends = new Int32Array(1024);
  /** Where a scanner builds the next token, at most MAX_TOKEN_BYTES from 0 on. */
  protected readonly scratch: Uint8Array;
  private readonly cache = new TokenCache();
  private count = 0;

  constructor() {
    this.scratch = this.cache.scratch;
  }

  /** Analyses `bytes[start..end)` (UTF-8) and returns the number of terms. */
  analyze(bytes: Uint8Array, start: number, end: number): number {
    this.count = 0;
    this.scan(bytes, start, end);
    return this.count;
  }

  /** Bytes held by the dictionaries. */
  get memoryBytes(): number {
    return this.terms.memoryBytes + this.cache.memoryBytes;
  }

  /** The text of one term. */
  term(id: number): string {
    return decoder.decode(this.terms.slice(id));
  }

  protected abstract scan(bytes: Uint8Array, start: number, end: number): void;
  /** From a raw token to its term; '' drops it. */
  protected abstract resolve(token: string): string;

  /** Takes the raw token `scratch[0..length)` that came from `[start, end)` of the text. */
  protected token(length: number, start: number, end: number): void {
    let id = this.cache.find(length);
    if (id === TokenCache.UNKNOWN) {
      const term = this.resolve(decoder.decode(this.scratch.subarray(0, length)));
      id = term === '' ? TokenCache.DROPPED : this.termId(term);
      this.cache.add(length, id);
    }
    if (id >= 0) this.emit(id, start, end);
  }

  /** The id of a term's text. */
  protected termId(term: string): number {
    const bytes = encoder.encode(term);
    return this.terms.intern(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length));
  }

  /** Adds a term that came from `[start, end)` of the text. */
  protected emit(id: number, start: number, end: number): void {
    const at = this.count++;
    if (at === this.ids.length) this.growTokens();
    this.ids[at] = id;
    this.starts[at] = start;
    this.ends[at] = end;
  }

  private growTokens(): void {
    const grow = (old: Int32Array) => {
      const grown = new Int32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.ids = grow(this.ids);
    this.starts = grow(this.starts);
    this.ends = grow(this.ends);
  }
}
