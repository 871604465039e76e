import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, fixedList, float32, list, listView, typeName, utf8 } from '../../src/arrow/index.ts';
import { operator, UserError, writesPath } from '../../src/define/index.ts';
import { LateIndex, LateIndexWriter, lateGenerations } from '../../src/retrieval/late/index.ts';
import { openMultiplying } from '../search/multiply.ts';
import { anyColumns } from '../shape/any-column.ts';
import { withIndex } from './errors.ts';
import { fromOf, indexSink, takesChanges } from './index-sink.ts';
import { keyColumn, storedColumns } from './keyed.ts';
import { keyedRows } from './stored.ts';
import { modelOf } from './vectors-model.ts';

export const indexLate = operator({
  name: 'index.late',
  version: 1,
  shape: 'sink',
  ...takesChanges(lateGenerations, dir => LateIndex.open(dir, { cacheBytes: 0 })),
  summary: 'Builds an index of token vectors (late interaction), for search.late.',
  description: `Takes the lists of encode.tokens. A token is kept as the number of its nearest centroid (ColBERTv2, Santhanam et al. 2022)
and 1 or 2 bits for what is left of each number, by a trellis: 35 bytes at 128 numbers and 2 bits, where floats take 512.
Where tokens of a passage have something in common beyond their centroids, that is kept once a passage (64 bytes).
Vectors are brought to length 1; wider ones are first cut to \`dimension\` numbers in the directions in which they differ
most. \`pool\` of encode.tokens makes an index smaller still.

Up to 4,194,304 numbers in all (16,384 tokens of 256) vectors are kept as halves, and search looks at every one. The first
commit that finds more makes centroids, directions and levels (the codebook) from a sample of all rows. Rows of another
kind get centroids of their own as they come, and all get more once there are eight times as many tokens; what was
compressed before stays as it was. Directions and levels are made anew by \`--full\` alone.

Rows are named by \`key\`; a row whose key is there already replaces it. The columns \`unit\`, \`doc_id\`, \`title\`, \`text\`,
\`start\` and \`end\` are kept where the input has them, and those named in \`store\`.`,
  equality: 'approximate',
  params: z.strictObject({
    path: z.string().describe('folder of the index; made where absent').meta(writesPath()),
    vectors: z.string().default('token_vectors').describe('the column of lists of vectors'),
    key: z
      .string()
      .optional()
      .describe('the column that names a row; default: the key of the input, such as unit_id or doc_id'),
    store: z.array(z.string()).default([]).describe('further columns to keep and give back with hits'),
    dimension: z.int().positive().default(128).describe('numbers of a vector that are kept, at most'),
    bits: z.literal([1, 2]).default(2).describe('bits for what is left of each number'),
  }),
  reads: p => {
    const columns: Record<string, Columns[string]> = { ...anyColumns(p.store) };
    columns[p.vectors] = list(fixedList(0, float32()));
    if (p.key !== undefined) columns[p.key] = utf8();
    return columns;
  },
  key: (p, inputKey) => (p.key === undefined ? inputKey : [p.key]),
  fixedBytes: () => 96 << 20,
  examples: [
    {
      title: 'Two passages of two tokens',
      with: { path: 'indexes/late' },
      columns: { token_vectors: 'list<fixed<2,float32>>' },
      in: [
        {
          unit_id: 'a#0',
          doc_id: 'a',
          text: 'Seoul city',
          token_vectors: [
            [1, 0],
            [0, 1],
          ],
        },
        {
          unit_id: 'b#0',
          doc_id: 'b',
          text: 'Busan port',
          token_vectors: [
            [0.6, 0.8],
            [-1, 0],
          ],
        },
      ],
    },
  ],
  open: async (p, ctx) => {
    const input = ctx.inputs[0] ?? {};
    const key = keyColumn('index.late', p.key, ctx);
    const stored = storedColumns(input, key, p.store);
    const from = sizeOf(input, p.vectors);
    const dir = ctx.path(p.path);
    const { opened: writer, product } = await openMultiplying(1, multiply =>
      withIndex(() =>
        LateIndexWriter.open(dir, {
          keyColumn: key,
          from,
          dimension: p.dimension,
          bits: p.bits,
          memoryBytes: Math.max(8 << 20, Math.floor(ctx.memory * 0.6)),
          replace: ctx.full,
          model: modelOf(input, p.vectors),
          generation: fromOf(lateGenerations, dir, ctx),
          multiply,
        }),
      ),
    );
    return indexSink({
      kind: lateGenerations,
      dir,
      key,
      writer,
      add: upserts => {
        const { offsets, items } = listView(upserts, p.vectors);
        const vectors = items.children[0].values as Float32Array;
        return writer.add({ ...keyedRows(upserts, key, stored), offsets, vectors });
      },
      close: product.close,
    });
  },
});

/** Numbers in each vector of a column of lists. @throws UserError */
export function sizeOf(input: Columns, name: string): number {
  const type = input[name]?.type;
  const item = type && DataType.isList(type) ? type.children[0].type : undefined;
  if (item && DataType.isFixedSizeList(item) && item.listSize > 0) return item.listSize;
  throw new UserError(
    `with.vectors: column "${name}" is ${type ? typeName(type) : 'not there'}, wanted lists of vectors of one length`,
  );
}
