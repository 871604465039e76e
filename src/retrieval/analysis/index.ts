export { type Analyzer, createAnalyzer, type TermSpan } from './analyzer.ts';
export { AnalyzerError } from './error.ts';
export type { FilterSpec } from './filters.ts';
export {
  bestPassage,
  type MarkOptions,
  markMatches,
  matchSpans,
  type Passage,
  type QueryTerms,
  type Span,
  snippet,
} from './highlight.ts';
export { SNOWBALL_LANGUAGES, type SnowballLanguage } from './snowball.ts';
export {
  ANALYZER_NAMES,
  ANALYZER_VERSION,
  type AnalyzerName,
  type AnalyzerSpec,
  type CjkSpec,
  type CustomSpec,
  type EnglishSpec,
  type KoreanSpec,
  type LanguageSpec,
  type NgramsSpec,
  type ResolvedSpec,
  type StandardSpec,
  type WhitespaceSpec,
} from './spec.ts';
export { LUCENE_STOP_WORDS } from './stopwords.ts';
export { TermStream } from './term-stream.ts';
