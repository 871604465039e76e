/** `run --sweep`: all variants in one run, then one table and one plot. */

import { afterRun } from '../after-run.ts';
import type { Io } from '../command.ts';
import { checkLoaded, isPartial, load, noPlan, printProblems, type Selection } from '../prepare.ts';
import { writePlots } from '../reports.ts';
import { runPlan } from '../run-plan.ts';
import { plotFolder, sampleFolder, sampleState, tellSample } from '../sample.ts';
import { resultJson } from '../summary.ts';
import { comparisonLines, outcomes, sweepPlot } from './compare.ts';

export interface SweepArgs extends Selection {
  readonly json: boolean;
  readonly debug: boolean;
  readonly out?: string;
}

export async function runSweep(args: SweepArgs, io: Io): Promise<number> {
  const loaded = await load(args);
  const sample = await sampleFolder(loaded, args);
  const found = await checkLoaded(loaded, args, 'run', sample);
  const { plan, variants } = found;
  await printProblems(found.problems, io);
  if (!plan) return noPlan(loaded, found, args.json, io);
  if (variants.every(v => v.reports.length === 0)) {
    io.err('no evaluate.* step measures the variants: there will be nothing to compare');
  }
  tellSample(plan, sample, io);
  const run = await runPlan(plan, io, { sample: isPartial(args), ...sampleState(sample) });
  const compared = outcomes(variants, run.result.reports);
  const measured = compared.some(o => Object.keys(o.metrics).length > 0);
  const svg = measured && run.result.status === 'ok' ? await sweepPlot(plan.name, compared) : undefined;
  const plots =
    svg === undefined
      ? {}
      : await writePlots(`${plotFolder(args, sample)}/${plan.name}`, args.root, { sweep: svg });
  if (args.json) {
    const sweep = compared.map(({ label, values, metrics }) => ({ label, values, metrics }));
    io.json({
      ...resultJson(run.result),
      sweep,
      ...(sample ? { sample } : {}),
      ...(svg === undefined ? {} : { plots }),
    });
  } else if (measured) for (const line of comparisonLines(compared, io.style)) io.out(line);
  const code = afterRun(run, plan, args, io);
  for (const path of Object.values(plots)) io.err(`wrote ${path}`);
  return code;
}
