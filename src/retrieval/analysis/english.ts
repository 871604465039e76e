import { stem as snowball } from 'porter2';
import { stemmer as porter } from 'stemmer';
import type { EnglishSpec } from './spec.ts';
import { LUCENE_STOP_WORDS } from './stopwords.ts';
import { foldWord, lowerCase, WordStream } from './words.ts';

/** Words, possessives stripped, stop words dropped, stems taken: the order of Lucene's EnglishAnalyzer. */
export class EnglishStream extends WordStream {
  private readonly stop: ReadonlySet<string>;
  private readonly stem: (word: string) => string;
  private readonly possessives: boolean;

  constructor(spec: Required<EnglishSpec>) {
    super();
    const { stopwords } = spec;
    const words = stopwords === 'lucene' ? LUCENE_STOP_WORDS : stopwords === 'none' ? [] : stopwords;
    this.stop = new Set(words.map(lowerCase));
    this.stem = spec.stemmer === 'porter' ? porter : spec.stemmer === 'snowball' ? snowball : word => word;
    this.possessives = spec.possessives;
  }

  protected resolve(token: string): string {
    let word = foldWord(token);
    if (this.possessives && word.length > 2 && word.endsWith("'s")) word = word.slice(0, -2);
    if (this.stop.has(word)) return '';
    return this.stem(word);
  }
}
