import { characterClass, codePointAt, IDEOGRAPH, sequenceLength } from './characters.ts';
import { KoreanStream } from './korean.ts';

/** Katakana, its phonetic extensions and its half-width forms. */
const isKatakana = (c: number): boolean =>
  (c >= 0x30a1 && c <= 0x30fa) ||
  (c >= 0x30fc && c <= 0x30ff) ||
  (c >= 0x31f0 && c <= 0x31ff) ||
  (c >= 0xff66 && c <= 0xff9f);

/**
 * Bigrams of runs of Han, Hiragana and Katakana, and of runs of Hangul; other scripts are words (after
 * Lucene's CJKAnalyzer, whose bigrams go over a change between these scripts and Hangul as well). Full-width
 * letters and half-width Katakana become their usual forms.
 */
export class CjkStream extends KoreanStream {
  private places = new Int32Array(256);

  constructor() {
    super({ name: 'korean', grams: 'bigrams', particles: 'keep', stopwords: 'none' });
  }

  protected override kindOf(point: number): number {
    return isKatakana(point) ? IDEOGRAPH : characterClass(point);
  }

  protected override resolve(token: string): string {
    return super.resolve(token.normalize('NFKC').toLowerCase());
  }

  protected override ideographs(bytes: Uint8Array, start: number, stop: number): number {
    let n = 0;
    let i = start;
    while (i < stop && this.kindOf(codePointAt(bytes, i, stop)) === IDEOGRAPH) {
      if (n + 1 >= this.places.length) {
        const grown = new Int32Array(this.places.length * 2);
        grown.set(this.places);
        this.places = grown;
      }
      this.places[n++] = i;
      i = Math.min(stop, i + sequenceLength(bytes[i]));
    }
    const { places: at, scratch } = this;
    at[n] = i;
    for (let c = 0; c < Math.max(1, n - 1); c++) {
      const to = n === 1 ? at[1] : at[c + 2];
      for (let j = at[c]; j < to; j++) scratch[j - at[c]] = bytes[j];
      this.token(to - at[c], at[c], to);
    }
    return i;
  }
}
