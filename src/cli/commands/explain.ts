import { defineCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { checkLoaded, cutArguments, load, noPlan, pipelineArguments, printProblems } from '../prepare.ts';

export const command = defineCommand({
  usage: 'explain <pipeline>',
  summary: 'Says how a pipeline would run: flows, columns between steps, threads, shares of memory.',
  build: y =>
    cutArguments(pipelineArguments(y))
      .example('$0 index', 'the plan as it is')
      .example("$0 index --set memory='4 GiB'", 'with more memory'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'check');
    const { plan } = found;
    await printProblems(found.problems, io);
    if (!plan) return noPlan(loaded, found, args.json, io);
    const { explain } = await import('../../plan/explain.ts');
    const explanation = explain(plan);
    if (args.json) io.json(explanation.data);
    else io.out(explanation.text);
    return EXIT.ok;
  },
});
