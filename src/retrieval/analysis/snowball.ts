import { newStemmer } from 'snowball-stemmers';

/** Languages whose Snowball stemmer is offered; English has an analyzer of its own. */
export const SNOWBALL_LANGUAGES = [
  'arabic',
  'armenian',
  'basque',
  'catalan',
  'czech',
  'danish',
  'dutch',
  'finnish',
  'french',
  'german',
  'hungarian',
  'irish',
  'italian',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'slovene',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
] as const;

export type SnowballLanguage = (typeof SNOWBALL_LANGUAGES)[number];

export const isSnowball = (name: string): name is SnowballLanguage =>
  (SNOWBALL_LANGUAGES as readonly string[]).includes(name);

/** The stemmer of a language. */
export function snowballStemmer(language: SnowballLanguage): (word: string) => string {
  const stemmer = newStemmer(language);
  return word => stemmer.stem(word);
}

/** Articles and pronouns that are written onto the word behind with an apostrophe (Lucene's elision lists). */
const ELISIONS: Partial<Record<SnowballLanguage, string>> = {
  french: 'l m t qu n s j d c jusqu quoiqu lorsqu puisqu',
  italian: 'c l all dall dell nell sull coll pell gl agl dagl degl negl sugl un m t s v d',
  catalan: 'd l m n s t',
  irish: 'b d m t',
};

/** Takes elided articles off words of a language; undefined where the language has none. */
export function elision(language: SnowballLanguage): ((word: string) => string) | undefined {
  const articles = ELISIONS[language];
  if (articles === undefined) return undefined;
  const set = new Set(articles.split(' '));
  return word => {
    const at = word.indexOf("'");
    return at > 0 && set.has(word.slice(0, at)) ? word.slice(at + 1) : word;
  };
}
