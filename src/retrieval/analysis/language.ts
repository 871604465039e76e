import { elision, type SnowballLanguage, snowballStemmer } from './snowball.ts';
import type { LanguageSpec } from './spec.ts';
import { foldWord, lowerCase, WordStream } from './words.ts';

/** Words, elided articles stripped, stop words dropped, the language's Snowball stems taken. */
export class LanguageStream extends WordStream {
  private readonly stop: ReadonlySet<string>;
  private readonly stem: (word: string) => string;
  private readonly elide: ((word: string) => string) | undefined;

  constructor(spec: Required<LanguageSpec>) {
    super();
    const language: SnowballLanguage = spec.name;
    this.stop = new Set(spec.stopwords === 'none' ? [] : spec.stopwords.map(lowerCase));
    this.stem = snowballStemmer(language);
    this.elide = elision(language);
  }

  protected resolve(token: string): string {
    const folded = foldWord(token);
    const word = this.elide === undefined ? folded : this.elide(folded);
    return this.stop.has(word) ? '' : this.stem(word);
  }
}
