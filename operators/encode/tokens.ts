import { z } from 'zod';
import {
  fixedList,
  fixedListData,
  float32,
  float32Data,
  int32,
  int32Data,
  list,
  listData,
  utf8,
  utf8View,
} from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { poolTokenRows } from '../../src/retrieval/late/pool.ts';
import { CutRows } from './cut-rows.ts';
import {
  asModelError,
  encoderParams,
  modelAssets,
  modelBytes,
  openPlanned,
  sideOf,
  vectorSize,
  worthKeeping,
} from './model.ts';

export const encodeTokens = operator({
  name: 'encode.tokens',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Encodes each token of a text as a vector, for index.late and search.late.',
  description: `ColBERT models (Khattab & Zaharia 2020) mark the side, fill questions up with mask tokens and leave punctuation
of passages out, as their files say. Of any other encoder with token outputs, every token of the text has a vector. Of
static encoders (the embedded ones) it is the token's own; those of questions keep the encoder's weights, all others have
length 1.

\`token_starts\` and \`token_ends\` are the places of the tokens in the text in UTF-16 code units, 0 and 0 for special
tokens. \`pool: 2\` halves the vectors of a passage: the most alike are joined to their mean, by Ward's clustering
(Clavié et al. 2024, arXiv 2409.14683); joined tokens have the places of their first.`,
  params: z.strictObject({
    ...encoderParams,
    column: z.string().default('text').describe('the column of texts'),
    into: z.string().default('token_vectors').describe('the column that gets the lists of vectors'),
    pool: z.int().positive().default(1).describe('joins tokens to one of so many vectors; 1 keeps all'),
  }),
  check: p => (p.into === p.column ? [`with.into: must be another column than "${p.column}"`] : []),
  reads: p => ({ [p.column]: utf8() }),
  writes: (p, _, ctx) => ({
    [p.into]: list(fixedList(vectorSize(p, ctx), float32())),
    token_starts: list(int32()),
    token_ends: list(int32()),
  }),
  assets: (p, ctx) => modelAssets(p.model, ctx),
  fixedBytes: (p, ctx) => modelBytes(p.model, p.batchTokens, ctx),
  equality: 'recorded',
  cache: worthKeeping,
  costly: true,
  tokens: p => p.column,
  examples: [
    {
      title: 'The places of the tokens',
      with: {},
      in: [
        { unit_id: 'a#0', text: 'Seoul, a city' },
        { unit_id: 'a#1', text: '' },
      ],
      out: [
        { unit_id: 'a#0', token_starts: [0, 5, 7, 9], token_ends: [5, 6, 8, 13] },
        { unit_id: 'a#1', token_starts: [], token_ends: [] },
      ],
    },
    {
      title: 'Half as many vectors',
      with: { pool: 2 },
      in: [{ unit_id: 'a#0', text: 'big city large town' }],
      out: [{ unit_id: 'a#0', token_starts: [0, 4] }],
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
          const found = await encoder.encodeTokens(all, { side, signal: ctx.signal });
          cut.add(found.cutRows, all.length);
          const kept = p.pool > 1 && side === 'passage' ? poolTokenRows(found, p.pool) : found;
          const items = fixedListData(kept.dimension, float32Data(kept.vectors));
          return {
            columns: {
              [p.into]: listData(kept.offsets, items),
              token_starts: listData(kept.offsets, int32Data(kept.starts)),
              token_ends: listData(kept.offsets, int32Data(kept.ends)),
            },
          };
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
