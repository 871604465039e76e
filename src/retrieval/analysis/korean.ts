import {
  characterClass,
  codePointAt,
  DIGIT,
  HANGUL,
  IDEOGRAPH,
  LETTER,
  sequenceLength,
} from './characters.ts';
import { particleTrie, QUESTION_WORDS, type SuffixTrie } from './particles.ts';
import type { KoreanSpec } from './spec.ts';
import { MAX_TOKEN_BYTES } from './term-stream.ts';
import { foldWord, lowerCase, WordStream } from './words.ts';

/** Syllables of a word that is a term as a whole. */
const MOST_SYLLABLES = Math.floor(MAX_TOKEN_BYTES / 3);
/** Longer runs are not looked up in the stop list. */
const LONGEST_STOP_WORD = 16;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const isLead = (c: number) => c >= 0x1100 && c <= 0x1112;
const isVowel = (c: number) => c >= 0x1161 && c <= 0x1175;
const isTail = (c: number) => c >= 0x11a8 && c <= 0x11c2;
const isSyllable = (c: number) => c >= 0xac00 && c <= 0xd7a3;

/**
 * Korean by character n-grams: particles stick to nouns, so white-space words miss most matches while
 * bigrams of a run share the noun's. A Hangul run gives the overlapping bigrams of its NFC syllables (a
 * run of one syllable gives that syllable), or itself as a word; any other run of one script (Latin,
 * numbers, Han) is a word, and a script change ends a run. Particles can be cut off and question words
 * left out before.
 */
export class KoreanStream extends WordStream {
  private readonly grams: KoreanSpec['grams'];
  private readonly particles: SuffixTrie | undefined;
  private readonly stop: ReadonlySet<string>;
  private syllableStarts = new Int32Array(256);
  private syllableEnds = new Int32Array(256);
  private composed = new Uint8Array(768);

  constructor(spec: Required<KoreanSpec>) {
    super();
    this.grams = spec.grams;
    this.particles = spec.particles === 'strip' ? particleTrie() : undefined;
    const { stopwords } = spec;
    this.stop = new Set(
      (stopwords === 'questions' ? QUESTION_WORDS : stopwords === 'none' ? [] : stopwords).map(lowerCase),
    );
  }

  /** The class of a code point, by which runs are told apart. */
  protected kindOf(point: number): number {
    return characterClass(point);
  }

  protected override scan(bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end) {
      const c = bytes[i];
      const kind = this.kindOf(codePointAt(bytes, i, end));
      if (kind === HANGUL) i = this.hangul(bytes, i, end);
      else if (kind === LETTER || kind === DIGIT || kind === IDEOGRAPH) i = this.run(bytes, i, end, kind);
      else i += sequenceLength(c);
    }
  }

  protected resolve(token: string): string {
    return foldWord(token);
  }

  /** A word of one script: the scanner's word, cut where the script changes. */
  private run(bytes: Uint8Array, start: number, end: number, kind: number): number {
    // A word is cut long before this; without a limit a run of n characters would be read n times.
    const limit = Math.min(end, start + 4 * MAX_TOKEN_BYTES);
    let stop = start;
    while (stop < limit) {
      const next = this.kindOf(codePointAt(bytes, stop, end));
      if (next === HANGUL || (next !== kind && (next === LETTER || next === DIGIT || next === IDEOGRAPH)))
        break;
      stop += sequenceLength(bytes[stop]);
    }
    stop = Math.min(stop, end);
    return kind === IDEOGRAPH ? this.ideographs(bytes, start, stop) : this.word(bytes, start, stop, end);
  }

  /** Takes a run of ideographs, or the beginning of one, and returns where that ends. */
  protected ideographs(bytes: Uint8Array, start: number, stop: number): number {
    let i = start;
    while (i < stop && this.kindOf(codePointAt(bytes, i, stop)) === IDEOGRAPH && i - start < 240) {
      i += sequenceLength(bytes[i]);
    }
    for (let j = start; j < i; j++) this.scratch[j - start] = bytes[j];
    this.token(i - start, start, i);
    return i;
  }

  /** Collects a Hangul run as composed syllables of three bytes each and emits its n-grams. */
  private hangul(bytes: Uint8Array, start: number, end: number): number {
    let n = 0;
    let i = start;
    let last = 0;
    while (i < end && (bytes[i] & 0xf0) === 0xe0) {
      const point = codePointAt(bytes, i, end);
      if (!isSyllable(point) && characterClass(point) !== HANGUL) break;
      let merged = 0;
      // Conjoining jamo compose as NFC does (Unicode chapter 3.12): L+V, then LV+T.
      if (isLead(last) && isVowel(point)) merged = 0xac00 + ((last - 0x1100) * 21 + point - 0x1161) * 28;
      else if (isTail(point) && isSyllable(last) && (last - 0xac00) % 28 === 0)
        merged = last + point - 0x11a7;
      if (merged !== 0) {
        last = merged;
        this.put(n - 1, merged, this.syllableStarts[n - 1], i + 3);
      } else {
        last = point;
        this.put(n++, point, i, i + 3);
      }
      i += 3;
    }
    this.terminate(n);
    return i;
  }

  /** Gives the terms of the run that was collected. */
  private terminate(syllables: number): void {
    const { syllableStarts: from, syllableEnds: to, composed, grams } = this;
    const n = this.particles === undefined ? syllables : this.particles.strip(composed, syllables);
    if (this.stop.size > 0 && n <= LONGEST_STOP_WORD) {
      const stem = decoder.decode(composed.subarray(0, n * 3));
      if (this.stop.has(stem)) return;
    }
    if (grams === 'words') {
      for (let s = 0; s < n; s += MOST_SYLLABLES) {
        const size = Math.min(MOST_SYLLABLES, n - s);
        this.gram(s, size, from[s], to[s + size - 1]);
      }
      return;
    }
    const unigrams = grams === 'unigrams+bigrams';
    for (let s = 0; s < n; s++) {
      if (unigrams || n === 1) this.gram(s, 1, from[s], to[s]);
      if (s + 1 < n) this.gram(s, 2, from[s], to[s + 1]);
    }
  }

  private gram(syllable: number, size: number, start: number, end: number): void {
    const { scratch, composed } = this;
    const length = size * 3;
    for (let i = 0; i < length; i++) scratch[i] = composed[syllable * 3 + i];
    this.token(length, start, end);
  }

  private put(at: number, point: number, start: number, end: number): void {
    if (at === this.syllableStarts.length) {
      const grow = (old: Int32Array) => {
        const grown = new Int32Array(old.length * 2);
        grown.set(old);
        return grown;
      };
      this.syllableStarts = grow(this.syllableStarts);
      this.syllableEnds = grow(this.syllableEnds);
      const composed = new Uint8Array(this.composed.length * 2);
      composed.set(this.composed);
      this.composed = composed;
    }
    this.composed[at * 3] = 0xe0 | (point >>> 12);
    this.composed[at * 3 + 1] = 0x80 | ((point >>> 6) & 63);
    this.composed[at * 3 + 2] = 0x80 | (point & 63);
    this.syllableStarts[at] = start;
    this.syllableEnds[at] = end;
  }
}
