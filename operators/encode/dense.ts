import { z } from 'zod';
import {
  fixedList,
  fixedListData,
  float32,
  float32Data,
  utf8,
  utf8View,
  weighing,
} from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { CutRows } from './cut-rows.ts';
import {
  asModelError,
  encodedBy,
  encoderParams,
  fusionWeight,
  modelAssets,
  modelBytes,
  openPlanned,
  sideOf,
  vectorSize,
  worthKeeping,
} from './model.ts';

export const encodeDense = operator({
  name: 'encode.dense',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Encodes each text as a vector, for index.dense and search.dense.',
  description: `Any text encoder as an ONNX file with its tokenizer.json: sentence-transformers exports, e5, bge, gte, DPR pairs.
Pooling, normalisation, prefixes and the longest text come from the model's own files; \`millrace models info\` says what
was found, and the parameters set it otherwise. Texts that are longer than the model takes are cut, counted and told.
A text without a token has a vector of zeros.

Rows of a batch are sorted by length and run in pieces of \`batchTokens\` padded tokens. \`where: worker\` with \`parallel\`
uses several cores best; results are kept in the cache, except for embedded models, which are quicker than it. What a
model gives may differ in the last bits with the rows it ran beside.`,
  params: z.strictObject({
    ...encoderParams,
    column: z.string().default('text').describe('the column of texts'),
    into: z.string().default('vector').describe('the column that gets the vectors'),
  }),
  check: p => (p.into === p.column ? [`with.into: must be another column than "${p.column}"`] : []),
  reads: p => ({ [p.column]: utf8() }),
  writes: (p, _, ctx) => ({
    [p.into]: weighing(
      encodedBy(fixedList(vectorSize(p, ctx), float32()), p, ctx),
      fusionWeight(p.model, ctx),
    ),
  }),
  assets: (p, ctx) => modelAssets(p.model, ctx),
  fixedBytes: (p, ctx) => modelBytes(p.model, p.batchTokens, ctx),
  equality: 'recorded',
  cache: worthKeeping,
  costly: true,
  tokens: p => p.column,
  examples: [
    {
      title: 'Two passages, one of them without a word',
      with: {},
      in: [
        { unit_id: 'a#0', text: 'Seoul is the capital of Korea.' },
        { unit_id: 'a#1', text: '' },
      ],
      out: [{ unit_id: 'a#0' }, { unit_id: 'a#1' }],
    },
    {
      title: 'Questions; they get the prefix of queries where the model has one',
      with: { column: 'question' },
      in: [{ question_id: 'q1', question: 'What is the capital of Korea?' }],
      out: [{ question_id: 'q1' }],
    },
  ],
  open: async (p, ctx) => {
    const side = sideOf(p, p.column);
    const encoder = await openPlanned(p, side, ctx);
    const cut = new CutRows();
    return {
      process: async batch => {
        const texts = utf8View(batch, p.column);
        const all = Array.from({ length: texts.length }, (_, i) => texts.get(i));
        try {
          const { vectors, cutRows } = await encoder.encode(all, { side, signal: ctx.signal });
          cut.add(cutRows, all.length);
          return { columns: { [p.into]: fixedListData(encoder.dimension, float32Data(vectors)) } };
        } catch (error) {
          throw asModelError(error);
        }
      },
      close: async () => {
        cut.tell(ctx, encoder.longest(side));
        await encoder.close();
      },
    };
  },
});
