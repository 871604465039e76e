import { defineCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { withoutModelRuntime } from '../model-runtime.ts';
import { checkLoaded, load, pipelineArguments, printProblems } from '../prepare.ts';
import { counted } from '../table.ts';

export const command = defineCommand({
  usage: 'check <pipeline>',
  summary: 'Finds all problems of a pipeline before any data is touched.',
  text: 'Exit code 1 where there are errors; warnings alone give 0.',
  build: y =>
    pipelineArguments(y)
      .example('$0 index', 'the pipeline in pipelines/index.yaml or .ts')
      .example('$0 my/answer.yaml --json', 'for a program')
      .example('$0 index --set steps.split.with.words=200', 'with another value'),
  run: async (args, io) => {
    const loaded = await load(args);
    const found = await checkLoaded(loaded, args, 'check');
    const { plan } = found;
    const problems = [...found.problems, ...(await withoutModelRuntime(loaded.definition))];
    const errors = problems.filter(p => p.severity === 'error').length;
    const ok = errors === 0;
    if (args.json) io.json({ pipeline: loaded.definition?.name, ok, complete: plan !== undefined, problems });
    else {
      await printProblems(problems, io);
      const { countProblems } = await import('../../plan/problems.ts');
      const steps = plan?.flows.reduce((sum, f) => sum + f.steps.length, 0);
      const found = problems.length > 0 ? countProblems(problems) : 'no problems';
      if (ok && !plan) {
        io.out(
          `${io.style.yellow('not fully checked')}  ${loaded.definition.name}: ${found}; later steps were not checked against the columns of sources that are not there`,
        );
      } else if (ok) {
        io.out(
          `${io.style.green('ok')}  ${loaded.definition.name}: ${steps === undefined ? '' : `${counted(steps, 'step')}, `}${found}`,
        );
      } else io.err(found);
    }
    return ok ? EXIT.ok : EXIT.failed;
  },
});
