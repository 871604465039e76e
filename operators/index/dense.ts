import { DataType } from 'apache-arrow';
import { z } from 'zod';
import { type Columns, fixedList, float32, typeName, utf8, vectorView } from '../../src/arrow/index.ts';
import { operator, UserError, writesPath } from '../../src/define/index.ts';
import { DenseIndex, DenseIndexWriter, denseGenerations } from '../../src/retrieval/dense/index.ts';
import { anyColumns } from '../shape/any-column.ts';
import { withIndex } from './errors.ts';
import { fromOf, indexSink, takesChanges } from './index-sink.ts';
import { keyColumn, storedColumns } from './keyed.ts';
import { keyedRows } from './stored.ts';
import { modelOf } from './vectors-model.ts';

export const indexDense = operator({
  name: 'index.dense',
  version: 1,
  shape: 'sink',
  ...takesChanges(denseGenerations, dir => DenseIndex.open(dir, { cacheBytes: 0 })),
  summary: 'Builds an index of vectors, for search.dense.',
  description: `Rows are named by \`key\`; a row whose key is there already replaces it. The columns \`unit\`, \`doc_id\`, \`title\`,
\`text\`, \`start\` and \`end\` are kept where the input has them, and those named in \`store\`.

\`method: exact\` looks at every vector; scores are dot products (or cosines) of the stored vectors in double precision and
do not depend on how the index came about. \`method: hnsw\` (Malkov & Yashunin 2018, by the usearch library) builds a graph
over segments of 5,000 rows and more; how far a search looks is chosen so that a sample reaches \`recall\` among the 10
nearest, and what it finds is scored exactly. Graphs are built in memory: segments grow to what the step's share holds.

\`precision\`: f32; f16, half the size at no loss that shows; int8, a quarter, with a factor a vector.`,
  equality: 'approximate',
  params: z.strictObject({
    path: z.string().describe('folder of the index; made where absent').meta(writesPath()),
    vector: z.string().default('vector').describe('the column of vectors'),
    key: z
      .string()
      .optional()
      .describe('the column that names a row; default: the key of the input, such as unit_id or doc_id'),
    store: z.array(z.string()).default([]).describe('further columns to keep and give back with hits'),
    precision: z.enum(['f32', 'f16', 'int8']).default('f32').describe('how numbers are kept'),
    metric: z
      .enum(['dot', 'cosine'])
      .default('dot')
      .describe('how vectors are compared; for vectors of length 1 both are the same'),
    method: z.enum(['exact', 'hnsw']).default('exact').describe('looks at every vector, or goes by a graph'),
    recall: z
      .number()
      .positive()
      .max(1)
      .default(0.98)
      .describe('hnsw: the share of the 10 nearest that a sample must find'),
    connectivity: z.int().min(2).max(256).default(16).describe('hnsw: links a vector'),
    expansion: z
      .int()
      .positive()
      .default(128)
      .describe('hnsw: candidates looked at while a vector is put in'),
  }),
  reads: p => {
    const columns: Record<string, Columns[string]> = { ...anyColumns(p.store) };
    columns[p.vector] = fixedList(0, float32());
    if (p.key !== undefined) columns[p.key] = utf8();
    return columns;
  },
  key: (p, inputKey) => (p.key === undefined ? inputKey : [p.key]),
  fixedBytes: () => 32 << 20,
  examples: [
    {
      title: 'Two passages as halves',
      with: { path: 'indexes/dense', precision: 'f16' },
      columns: { vector: 'fixed<2,float32>' },
      in: [
        { unit_id: 'a#0', doc_id: 'a', text: 'Seoul is a city', vector: [1, 0] },
        { unit_id: 'b#0', doc_id: 'b', text: 'Busan is a port', vector: [0, 1] },
      ],
    },
  ],
  open: async (p, ctx) => {
    const input = ctx.inputs[0] ?? {};
    const key = keyColumn('index.dense', p.key, ctx);
    const stored = storedColumns(input, key, p.store);
    const dimension = sizeOf(input, p.vector);
    const dir = ctx.path(p.path);
    const writer = await withIndex(() =>
      DenseIndexWriter.open(dir, {
        keyColumn: key,
        dimension,
        precision: p.precision,
        metric: p.metric,
        approximate:
          p.method === 'hnsw'
            ? { recall: p.recall, connectivity: p.connectivity, expansion: p.expansion }
            : null,
        memoryBytes: Math.max(8 << 20, Math.floor(ctx.memory * 0.6)),
        replace: ctx.full,
        model: modelOf(input, p.vector),
        warn: message => ctx.warn(message),
        from: fromOf(denseGenerations, dir, ctx),
      }),
    );
    return indexSink({
      kind: denseGenerations,
      dir,
      key,
      writer,
      add: upserts => {
        const { values } = vectorView(upserts, p.vector);
        return writer.add({ ...keyedRows(upserts, key, stored), vectors: values });
      },
    });
  },
});

/** Numbers in a vector of a column. */
function sizeOf(input: Columns, name: string): number {
  const type = input[name]?.type;
  if (type && DataType.isFixedSizeList(type) && type.listSize > 0) return type.listSize;
  throw new UserError(
    `with.vector: column "${name}" is ${type ? typeName(type) : 'not there'}, wanted vectors of one length`,
  );
}
