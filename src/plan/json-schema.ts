/** A JSON Schema of pipelines for editors of YAML and JSON: completion, descriptions, defaults, wrong names underlined. */
import { z } from 'zod';
import type { AnyOperator, Json } from '../define/index.ts';

type Schema = { [name: string]: Json };

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', minimum: 1, description });
const idOrIds = (description: string): Schema => ({
  description,
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
});
const size = (description: string): Schema => ({
  description,
  anyOf: [
    { type: 'number', exclusiveMinimum: 0 },
    { type: 'string', pattern: '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT]([iI])?)?[bB]?\\s*$' },
  ],
});
const time = (description: string): Schema => ({
  description,
  anyOf: [
    { type: 'number', minimum: 0 },
    { type: 'string', pattern: '^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h)?\\s*$' },
  ],
});
const choice = (values: readonly string[], description: string): Schema => ({
  enum: values,
  default: values[0],
  description,
});

const BATCH: Schema = {
  type: 'object',
  description: 'How rows are put together again before the step.',
  additionalProperties: false,
  properties: {
    rows: count('At most this many rows.'),
    bytes: size('At most this many bytes of rows, as a number or "4 MiB".'),
    tokens: count('At most this many tokens, padding included: rows × longest row.'),
    linger: time('How long to wait for a fuller batch, in milliseconds or "20ms". Default 50 ms.'),
  },
};

/** What stands beside `op` and `with` in every step. */
const RUN: Schema = {
  id: text("The step's name, unique in the pipeline."),
  from: idOrIds('The step or steps it takes its rows from. Default: the step above.'),
  after: idOrIds('Sinks of other flows that must have committed before this step and its flow start.'),
  parallel: { ...count('Batches in work at once, or worker threads.'), maximum: 256, default: 1 },
  where: choice(['main', 'worker'], 'The thread that does the work.'),
  batch: BATCH,
  order: choice(['keep', 'free'], 'Whether batches leave in the order they came.'),
  onError: choice(['fail', 'dead-letter', 'skip'], 'What happens to a row that cannot be processed.'),
  memory: size('Bytes for this step, as a number or "512 MiB", taken from the run\'s memory.'),
};

/** Parameters of an operator as a schema of `with`. */
function paramsSchema(op: AnyOperator): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(op.params, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Marks are for the planner, and the range of safe integers is noise.
      delete jsonSchema.location;
      delete jsonSchema.secret;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as Schema;
  const own: Schema = { title: `${op.name} parameters`, ...schema };
  // References inside start from their own root.
  return JSON.stringify(own).includes('"$ref"') ? { $id: `urn:millrace:operator:${op.name}`, ...own } : own;
}

/**
 * The schema (draft 2020-12) of pipelines over these operators. A step's `op` decides what its `with` may hold; names
 * of other operators are allowed only where the pipeline brings operators of its own.
 */
export function pipelineJsonSchema(operators: readonly AnyOperator[]): Schema {
  const sorted = [...operators].sort((a, b) => (a.name < b.name ? -1 : 1));
  const steps = sorted.map((op): Schema => {
    const needs = !op.params.safeParse({}).success;
    return {
      if: { properties: { op: { const: op.name } }, required: ['op'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { with: { $ref: `#/$defs/${op.name}` } }, ...(needs && { required: ['with'] }) },
    };
  });
  return {
    $schema: DIALECT,
    title: 'Millrace pipeline',
    type: 'object',
    required: ['name', 'steps'],
    additionalProperties: false,
    properties: {
      name: text('The name of the pipeline.'),
      description: text('One sentence, for lists.'),
      memory: { ...size('Memory of the run, as a number of bytes or "2 GiB".'), default: '1 GiB' },
      operators: {
        type: 'array',
        items: { type: 'string' },
        description: 'Files with operators of your own, relative to this file.',
      },
      next: {
        type: 'array',
        items: { type: 'string' },
        description: 'Commands to try once it has run; shown after a run.',
      },
      steps: { type: 'array', minItems: 1, items: { $ref: '#/$defs/step' } },
    },
    allOf: [
      {
        if: { not: { required: ['operators'] } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { properties: { steps: { items: { properties: { op: { $ref: '#/$defs/builtin' } } } } } },
      },
    ],
    $defs: {
      step: {
        type: 'object',
        required: ['id', 'op'],
        additionalProperties: false,
        properties: {
          ...RUN,
          op: { type: 'string', description: 'The operator that does the work.' },
          with: { type: 'object', description: "The operator's parameters." },
        },
        allOf: steps,
      },
      builtin: { oneOf: sorted.map(op => ({ const: op.name, description: op.summary })) },
      ...Object.fromEntries(sorted.map(op => [op.name, paramsSchema(op)])),
    },
  };
}
