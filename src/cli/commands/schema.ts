import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: 'schema',
  summary: 'Prints the JSON Schema of YAML pipelines, for editors.',
  text:
    'The package brings it as docs/pipeline.schema.json. An editor takes it from the first line of a YAML file:\n' +
    '# yaml-language-server: $schema=../node_modules/millrace/docs/pipeline.schema.json',
  build: y => y.example('$0 > pipeline.schema.json', 'write it to a file'),
  run: async (_args, io) => {
    const [{ operators }, { pipelineJsonSchema }] = await Promise.all([
      import('../../../operators/index.ts'),
      import('../../plan/json-schema.ts'),
    ]);
    io.json(pipelineJsonSchema(operators));
    return 0;
  },
});
