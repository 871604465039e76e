/** Curves of several runs in one plot. */
import { lineSvg } from './plot-line.ts';
import type { RankingCurves } from './ranking-types.ts';

const TITLES = {
  gold: 'Top-k accuracy: a gold document is among the first k',
  success: 'Top-k accuracy: a relevant document is among the first k',
  answer: 'Top-k accuracy: an answer is in the first k texts',
  recall: 'Recall of relevant documents among the first k',
} as const;

/** SVGs of all runs' curves for k to 10 and to 100, of what the questions name, by `gold-10`, `success-100` and so on. */
export async function runPlots(
  runs: readonly { readonly name: string; readonly curves: RankingCurves }[],
): Promise<Record<string, string>> {
  const plots: Record<string, string> = {};
  for (const [kind, title] of Object.entries(TITLES) as [keyof typeof TITLES, string][]) {
    // where each question has one gold document, recall is the same curve again
    if (kind === 'recall' && runs.some(r => r.curves.gold)) continue;
    const series = runs.flatMap(({ name, curves }) => (curves[kind] ? [{ name, points: curves[kind] }] : []));
    if (series.length === 0) continue;
    for (const depth of [10, 100]) {
      plots[`${kind}-${depth}`] = await lineSvg({
        title: `${title}, k = 1 to ${depth}`,
        x: { label: 'k', log: depth > 10 },
        y: { label: 'mean over questions' },
        series: series.map(s => ({ ...s, points: s.points.filter(([k]) => k <= depth) })),
      });
    }
  }
  return plots;
}
