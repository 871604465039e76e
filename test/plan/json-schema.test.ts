import { describe, expect, it } from 'vitest';
import { pipelineJsonSchema } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { pipelines, withStep } from './pipelines.ts';

type Schema = Record<string, unknown>;
const schema = pipelineJsonSchema(operators) as Schema;

/** As much of a validator (draft 2020-12) as the schema needs; refuses a keyword that it does not know. */
function valid(s: unknown, value: unknown): boolean {
  if (typeof s === 'boolean') return s;
  const object =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : undefined;
  const subs = (x: unknown) => x as Schema[];
  return Object.entries(s as Schema).every(([keyword, k]) => {
    switch (keyword) {
      case '$schema':
      case '$defs':
      case '$id':
      case 'title':
      case 'description':
      case 'default':
      case 'then':
        return true;
      case '$ref':
        return valid((schema.$defs as Schema)[String(k).replace('#/$defs/', '')], value);
      case 'type':
        return k === 'object'
          ? object !== undefined
          : k === 'array'
            ? Array.isArray(value)
            : k === 'integer'
              ? Number.isInteger(value)
              : typeof value === k;
      case 'const':
        return value === k;
      case 'enum':
        return (k as unknown[]).includes(value);
      case 'anyOf':
        return subs(k).some(x => valid(x, value));
      case 'oneOf':
        return subs(k).filter(x => valid(x, value)).length === 1;
      case 'allOf':
        return subs(k).every(x => valid(x, value));
      case 'not':
        return !valid(k, value);
      case 'if':
        return !valid(k, value) || valid((s as Schema).then, value);
      case 'required':
        return !object || (k as string[]).every(name => Object.hasOwn(object, name));
      case 'properties':
        return (
          !object ||
          Object.entries(k as Schema).every(
            ([name, x]) => !Object.hasOwn(object, name) || valid(x, object[name]),
          )
        );
      case 'additionalProperties':
        return (
          !object ||
          Object.keys(object).every(
            name => Object.hasOwn(((s as Schema).properties as Schema) ?? {}, name) || valid(k, object[name]),
          )
        );
      case 'propertyNames':
        return !object || Object.keys(object).every(name => valid(k, name));
      case 'items':
        return !Array.isArray(value) || value.every(x => valid(k, x));
      case 'minItems':
        return !Array.isArray(value) || value.length >= (k as number);
      case 'minLength':
        return typeof value !== 'string' || value.length >= (k as number);
      case 'pattern':
        return typeof value !== 'string' || new RegExp(k as string, 'u').test(value);
      case 'minimum':
        return typeof value !== 'number' || value >= (k as number);
      case 'exclusiveMinimum':
        return typeof value !== 'number' || value > (k as number);
      case 'maximum':
        return typeof value !== 'number' || value <= (k as number);
      default:
        throw new Error(`the validator of this test does not know ${keyword}`);
    }
  });
}

describe('the JSON Schema of pipelines', () => {
  it.each(Object.entries(pipelines))('takes %s', (_name, make) => {
    expect(valid(schema, JSON.parse(JSON.stringify(make())))).toBe(true);
  });

  const p = pipelines.indexWiki();
  it.each([
    ['a wrong parameter', withStep(p, 'split', { with: { word: 1 } })],
    ['a parameter of another type', withStep(p, 'split', { with: { words: 'ten' } })],
    ['a parameter out of range', withStep(p, 'split', { with: { words: 0 } })],
    ['a missing parameter', withStep(p, 'docs', { with: {} })],
    ['no parameters where some are needed', withStep(p, 'docs', { with: undefined })],
    ['a wrong choice', withStep(p, 'sparse', { with: { path: 'x', analyzer: 'klingon' } })],
    ['an unknown operator', withStep(p, 'split', { op: 'split.passage' })],
    ['an unknown key', withStep(p, 'split', { paralel: 2 } as object)],
    ['a size in words', { ...p, memory: 'much' }],
    ['a time in words', withStep(p, 'split', { batch: { linger: 'soon' } })],
    ['no steps', { ...p, steps: [] }],
    ['no name', { steps: p.steps }],
    ['a list', []],
  ])('refuses %s', (_title, wrong) => {
    expect(valid(schema, JSON.parse(JSON.stringify(wrong)))).toBe(false);
  });

  it('takes operators of one’s own where the pipeline brings some', () => {
    const own = JSON.parse(JSON.stringify(withStep(p, 'split', { op: 'my.split', with: { anything: 1 } })));
    expect(valid(schema, own)).toBe(false);
    expect(valid(schema, { ...own, operators: ['./mine.ts'] })).toBe(true);
  });

  it('has descriptions and defaults, and none of the marks for the planner', () => {
    const split = (schema.$defs as Schema)['split.passages'] as Schema;
    expect(split).toEqual({
      title: 'split.passages parameters',
      type: 'object',
      additionalProperties: false,
      properties: {
        words: { type: 'integer', exclusiveMinimum: 0, default: 100, description: 'words in a passage' },
        stride: {
          type: 'integer',
          minimum: 0,
          default: 0,
          description: 'words shared with the passage before',
        },
        large: { type: 'boolean', default: false, description: 'give text as LargeUtf8' },
      },
    });
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(JSON.stringify(schema)).not.toMatch(/"location"|"secret"|9007199254740991/);
  });
});
