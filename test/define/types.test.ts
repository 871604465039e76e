/**
 * What does not compile. The typecheck of the test command holds the `@ts-expect-error` lines; here the same mistakes
 * are also found by `check`, as they are for YAML.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { utf8 } from '../../src/arrow/index.ts';
import { definer, operator, type Pipeline } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { operators } from '../plan/operators.ts';

const pipeline = definer<(typeof operators)[number]>();
const codes = async (definition: Pipeline) =>
  (await check(definition, { operators, root: '/nowhere' })).problems.map(p => p.code);

const read = { id: 'docs', op: 'read.jsonl', with: { path: 'a' } } as const;
const write = { id: 'out', op: 'write.jsonl', with: { path: 'b' } } as const;
const own = operator({
  name: 'my.upper',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Upper case.',
  params: z.strictObject({ column: z.string().default('text').describe('column') }),
  reads: p => ({ [p.column]: utf8() }),
  writes: p => ({ [p.column]: utf8() }),
  examples: [],
  open: () => ({ process: () => ({ columns: {} }) }),
});

describe('pipeline() types', () => {
  it('right pipelines compile', async () => {
    const right = pipeline({
      name: 'right',
      memory: '1 GiB',
      steps: [
        read,
        {
          id: 'split',
          op: 'split.passages',
          parallel: 2,
          where: 'worker',
          batch: { rows: 10, linger: '20ms' },
        },
        { id: 'upper', op: 'my.upper', with: { column: 'text' } },
        { id: 'index', op: 'index.sparse', with: { path: 'i', analyzer: 'korean' }, onError: 'dead-letter' },
      ],
      operators: [own],
    });
    expect(await codes(right)).toEqual([]);
  });

  it('a wrong operator name does not', async () => {
    const wrong = pipeline({
      name: 'p',
      // @ts-expect-error there is no such operator
      steps: [read, { id: 'split', op: 'split.passage' }, write],
    });
    expect(await codes(wrong)).toEqual(['unknown-operator']);
  });

  it('an operator of one’s own does not without being named', async () => {
    // @ts-expect-error my.upper is not in operators
    const wrong = pipeline({ name: 'p', steps: [read, { id: 'upper', op: 'my.upper' }, write] });
    expect(await codes(wrong)).toEqual(['unknown-operator']);
  });

  it('a parameter of another type does not', async () => {
    const wrong = pipeline({
      name: 'p',
      // @ts-expect-error words is a number
      steps: [read, { id: 'split', op: 'split.passages', with: { words: 'ten' } }, write],
    });
    expect(await codes(wrong)).toEqual(['parameter-type']);
  });

  it('a value that is no choice does not', async () => {
    const index = { id: 'i', op: 'index.sparse', with: { path: 'i', analyzer: 'klingon' } } as const;
    // @ts-expect-error klingon is no analyzer
    const wrong = pipeline({ name: 'p', steps: [read, { id: 's', op: 'split.passages' }, index] });
    expect(await codes(wrong)).toEqual(['parameter-value']);
  });

  it('an unknown parameter does not', async () => {
    const wrong = pipeline({
      name: 'p',
      // @ts-expect-error there is no parameter word
      steps: [read, { id: 'split', op: 'split.passages', with: { word: 10 } }, write],
    });
    expect(await codes(wrong)).toEqual(['unknown-parameter']);
  });

  it('a parameter that is missing does not, nor does with where it is needed', async () => {
    // @ts-expect-error path is missing
    const empty = pipeline({ name: 'p', steps: [{ id: 'docs', op: 'read.jsonl', with: {} }, write] });
    // @ts-expect-error with is missing
    const none = pipeline({ name: 'p', steps: [{ id: 'docs', op: 'read.jsonl' }, write] });
    expect(await codes(empty)).toEqual(['missing-parameter']);
    expect(await codes(none)).toEqual(['missing-parameter']);
  });

  it('a parameter of one’s own operator of another type does not', async () => {
    const wrong = pipeline({
      name: 'p',
      operators: [own],
      // @ts-expect-error column is text
      steps: [read, { id: 'upper', op: 'my.upper', with: { column: 5 } }, write],
    });
    expect(await codes(wrong)).toEqual(['parameter-type']);
  });

  it('an unknown key of a step does not, nor a wrong value', async () => {
    // @ts-expect-error paralel is no key
    const key = pipeline({ name: 'p', steps: [read, { ...write, paralel: 2 }] });
    // @ts-expect-error where is main or worker
    const where = pipeline({ name: 'p', steps: [read, { ...write, where: 'thread' }] });
    expect(await codes(key)).toEqual(['unknown-key']);
    expect(await codes(where)).toEqual(['bad-value']);
  });
});
