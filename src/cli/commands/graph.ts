import { defineCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { checkLoaded, load, noPlan, pipelineArguments, printProblems } from '../prepare.ts';

export const command = defineCommand({
  usage: 'graph <pipeline>',
  summary: 'Draws the steps of a pipeline, for mermaid (Markdown pages) or Graphviz.',
  build: y =>
    pipelineArguments(y)
      .option('format', {
        alias: 'f',
        choices: ['mermaid', 'dot'] as const,
        default: 'mermaid' as const,
        requiresArg: true,
        describe: 'the language of the drawing',
      })
      .example('$0 index', 'for a Markdown page')
      .example('$0 index -f dot | dot -Tsvg > index.svg', 'as a picture, by Graphviz'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'check');
    const { plan } = found;
    await printProblems(found.problems, io);
    if (!plan) return noPlan(loaded, found, args.json, io);
    const { graph } = await import('../../plan/graph.ts');
    const text = graph(plan, args.format);
    if (args.json) io.json({ pipeline: plan.name, format: args.format, graph: text });
    else io.out(text);
    return EXIT.ok;
  },
});
