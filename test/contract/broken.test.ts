/** The suite itself: an operator that breaks a rule is caught by that rule, and only where it should be. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lineRecords, readJsonl } from '../../operators/read/jsonl.ts';
import {
  float64,
  float64Data,
  int32,
  int32Data,
  nullable,
  utf8,
  utf8Data,
  utf8View,
} from '../../src/arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type MapInstance,
  operator,
  type SourceRecords,
} from '../../src/define/index.ts';
import { checkOperator, rows } from '../../src/testing/index.ts';

const params = z.strictObject({ add: z.int().default(0).describe('what is added to the length') });

const lengths = (
  batch: Parameters<MapInstance<'same'>['process']>[0],
  add: number,
): { columns: { length: ReturnType<typeof int32Data> } } => {
  const texts = utf8View(batch, 'text');
  const values = Int32Array.from({ length: texts.length }, (_, i) => texts.get(i).length + add);
  return { columns: { length: int32Data(values) } };
};

/** An operator that keeps every rule: the length of a text. */
const good = operator({
  name: 'test.length',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Gives the length of each text.',
  params,
  reads: () => ({ text: utf8() }),
  writes: () => ({ length: int32() }),
  examples: [
    {
      title: 'Lengths',
      with: {},
      in: [
        { doc_id: 'a', text: 'one', note: 'x' },
        { doc_id: 'b', text: 'three', note: 'y' },
      ],
      out: [{ doc_id: 'a', length: 3 }, { length: 5 }],
    },
  ],
  open: p => ({ process: batch => lengths(batch, p.add) }),
});

/** The good operator with something changed for the worse. */
const broken = (change: object): AnyOperator => ({ ...good, ...change }) as AnyOperator;
const processing = (process: MapInstance['process'], more: object = {}): AnyOperator =>
  broken({ open: () => ({ process }), ...more });

test('an operator that keeps the rules passes', async () => {
  expect(await checkOperator(good)).toEqual([]);
});

let calls = 0;
const one = rows([{ doc_id: 'z', text: 'zero', note: 'n' }]);
const cases: [rule: string, what: string, op: AnyOperator][] = [
  ['it says what it is', 'full stop', broken({ summary: 'Gives lengths' })],
  ['it says what it is', 'capital letter', broken({ summary: 'gives lengths.' })],
  [
    'parameters have descriptions and the defaults parse',
    'parameter add has no description',
    broken({ params: z.strictObject({ add: z.int().default(0) }) }),
  ],
  [
    'parameters have descriptions and the defaults parse',
    'parameter all[].is has no description',
    broken({
      params: z.strictObject({
        all: z
          .array(z.strictObject({ is: z.string() }))
          .default([])
          .describe('x'),
      }),
    }),
  ],
  [
    'parameters have descriptions and the defaults parse',
    'the default of add does not parse',
    broken({ params: z.strictObject({ add: z.int().min(5).default(0).describe('x') }) }),
  ],
  [
    'parameters have descriptions and the defaults parse',
    'parse to others',
    broken({
      params: z.strictObject({
        add: z
          .int()
          .default(0)
          .transform(n => n + 1)
          .describe('x'),
      }),
    }),
  ],
  [
    'an unknown parameter is refused',
    'takes a parameter that it does not have',
    broken({ params: z.object({ add: z.int().default(0).describe('x') }) }),
  ],
  ['examples exist', 'has no examples', broken({ examples: [] })],
  [
    'each example gives what it says',
    '"length" is 3, wanted 4',
    broken({ examples: [{ ...good.examples[0], out: [{ length: 4 }, { length: 5 }] }] }),
  ],
  [
    'each example gives what it says',
    'gives 2 rows, wanted 1',
    broken({ examples: [{ ...good.examples[0], out: [{ length: 3 }] }] }),
  ],
  [
    'each example gives what it says',
    'does not say what comes out',
    broken({ examples: [{ ...good.examples[0], out: undefined }] }),
  ],
  [
    'output columns and types are the declared ones',
    'as Int32, declared Float64',
    broken({ writes: () => ({ length: float64() }) }),
  ],
  [
    'output columns and types are the declared ones',
    'returned column extra, which it does not declare',
    processing(b => ({
      columns: { ...lengths(b, 0).columns, extra: float64Data(new Float64Array(b.numRows)) },
    })),
  ],
  [
    'output columns and types are the declared ones',
    'did not return column length',
    processing(() => ({ columns: {} })),
  ],
  [
    'output columns and types are the declared ones',
    '1 values of column length for 2 rows',
    processing(() => ({ columns: { length: int32Data(Int32Array.of(1)) } })),
  ],
  [
    'output columns and types are the declared ones',
    'gives nulls in column "length"',
    processing(b => ({ columns: { length: utf8Data(Array.from({ length: b.numRows }, () => null)) } }), {
      writes: () => ({ length: utf8() }),
    }),
  ],
  [
    'output columns and types are the declared ones',
    'its key "name" is no column of it',
    broken({ key: () => ['name'] }),
  ],
  [
    'empty batch in, empty batch out',
    'gives 1 rows for no rows',
    broken({
      shape: 'stream',
      open: () => ({
        process: (change: object) => [change],
        end: () => [{ upserts: one }],
      }),
      writes: () => ({}),
    }),
  ],
  [
    'nulls are handled or refused by name',
    'a null in "text", which it declares nullable',
    processing(
      b => {
        const texts = utf8View(b, 'text');
        if (texts.isNull(0)) throw new Error('cannot read it');
        return lengths(b, 0);
      },
      { reads: () => ({ text: nullable(utf8()) }) },
    ),
  ],
  [
    'nulls are handled or refused by name',
    'a null in "note", which it does not read',
    processing(b => {
      if (utf8View(b, 'note').data.nullCount > 0) throw new Error('no');
      return lengths(b, 0);
    }),
  ],
  [
    'the result does not depend on how rows were cut into batches',
    'gives another result in batches of 1',
    processing(b => lengths(b, b.numRows)),
  ],
  [
    'same input twice gives the same bytes',
    'gives another result the second time',
    processing(b => lengths(b, calls++)),
  ],
  [
    'close is always called, and works',
    'close fails',
    broken({
      open: () => ({
        process: (b: Parameters<MapInstance['process']>[0]) => lengths(b, 0),
        close: () => {
          throw new Error('close fails');
        },
      }),
    }),
  ],
];

describe('an operator that breaks a rule is caught', () => {
  test.each(cases)('%s: %s', async (rule, what, op) => {
    const problems = await checkOperator(op);
    expect(
      problems.some(p => p.startsWith(`${rule}: `) && p.includes(what)),
      problems.join('\n'),
    ).toBe(true);
  });
});

test.each<[string, Partial<SourceRecords>, string]>([
  ['whose pieces lack other records than they should', { only: raw => raw.slice() }, 'without its record 0'],
  [
    'whose records hash otherwise where that is done at once',
    { hashed: raw => lineRecords.hashed?.(raw.slice(1)) },
    'other bounds or hashes',
  ],
])('a source %s is caught', async (_, part, what) => {
  const source = asEngine(readJsonl);
  if (source.shape !== 'source') throw new Error('not a source');
  const open: typeof source.open = async (params, ctx) => ({
    ...(await source.open(params, ctx)),
    records: { ...lineRecords, ...part },
  });
  const problems = await checkOperator({ ...readJsonl, open } as unknown as AnyOperator);
  expect(problems.some(p => p.startsWith('a record gives the same row') && p.includes(what))).toBe(true);
});

test('a source that holds views of bytes it has only lent is caught', async () => {
  const source = asEngine(readJsonl);
  if (source.shape !== 'source') throw new Error('not a source');
  const open: typeof source.open = async (params, ctx) => {
    const instance = await source.open(params, ctx);
    return {
      ...instance,
      scan: async function* (...where) {
        for await (const piece of instance.scan(...where)) yield { ...piece, borrowed: true };
      },
      // the bytes of a piece as the text of its first row
      decode: async (raw, meta) => {
        const decoded = await (instance.decode as NonNullable<typeof instance.decode>)(raw, meta);
        const texts = utf8View(decoded.batch, 'text');
        texts.bytes.set(raw.subarray(0, 1));
        const view = decoded.batch.schema.fields.findIndex(f => f.name === 'text');
        Object.assign(decoded.batch.data.children[view], { values: raw });
        return decoded;
      },
    };
  };
  const problems = await checkOperator({ ...readJsonl, open } as unknown as AnyOperator);
  expect(problems.some(p => p.startsWith('what is decoded outlives'))).toBe(true);
});

test('deterministic: false excuses from giving the same bytes twice', async () => {
  const op = processing(b => lengths(b, calls++), { deterministic: false });
  expect((await checkOperator(op)).some(p => p.startsWith('same input twice'))).toBe(false);
});
