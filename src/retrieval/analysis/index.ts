export { type Analyzer, createAnalyzer, type TermSpan } from './analyzer.ts';
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
export {
  ANALYZER_NAMES,
  ANALYZER_VERSION,
  AnalyzerError,
  type AnalyzerName,
  type AnalyzerSpec,
  type EnglishSpec,
  type KoreanSpec,
  type ResolvedSpec,
  type StandardSpec,
  type WhitespaceSpec,
} from './spec.ts';
export { LUCENE_STOP_WORDS } from './stopwords.ts';
export { TermStream } from './term-stream.ts';
