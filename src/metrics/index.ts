/** Metrics of retrieval and reading, a library of its own: typed arrays and plain objects in and out. */
export * from './answer-scores.ts';
export * from './answers.ts';
export * from './confidence.ts';
export * from './curves.ts';
export { MAR_BINS, MAR_WORDS, type MarReport, meanAverageRecall } from './mar.ts';
export * from './measures.ts';
export {
  dprTokens,
  foldText,
  normaliseKlue,
  normaliseKorquad,
  normaliseSquad,
} from './normalise.ts';
export type { HitOrder, Hits } from './order.ts';
export { type BarPlot, type BarSeries, barSvg } from './plot-bar.ts';
export { type HeatMap, heatMapSvg } from './plot-heat.ts';
export { type LinePlot, type LineSeries, lineSvg } from './plot-line.ts';
export { RankingMetrics } from './ranking.ts';
export type * from './ranking-types.ts';
export { runPlots } from './run-plots.ts';
export * from './table.ts';
export * from './trec.ts';
export * from './trec-eval.ts';
export * from './tuning.ts';
