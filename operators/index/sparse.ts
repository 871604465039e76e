import { z } from 'zod';
import { type Columns, utf8 } from '../../src/arrow/index.ts';
import { operator, writesPath } from '../../src/define/index.ts';
import type { AnalyzerSpec } from '../../src/retrieval/analysis/index.ts';
import { SparseIndex, SparseIndexWriter, sparseGenerations } from '../../src/retrieval/sparse/index.ts';
import { anyColumns } from '../shape/any-column.ts';
import { analyzerParam, analyzerProblems } from '../tokenize/analyzer-param.ts';
import { withIndex } from './errors.ts';
import { fieldColumns, fieldProblems, fieldsParam, searchedColumns } from './fields-param.ts';
import { fromOf, indexSink, takesChanges } from './index-sink.ts';
import { keyColumn, storedColumns } from './keyed.ts';
import { documentBatch } from './stored.ts';
import { checkWeightedTerms } from './weighted-terms.ts';

export const indexSparse = operator({
  name: 'index.sparse',
  version: 1,
  shape: 'sink',
  ...takesChanges(sparseGenerations, dir => SparseIndex.open(dir, { preload: false, cacheBytes: 0 })),
  summary: 'Builds an inverted index over the text of documents or units, for search.sparse.',
  description: `The analyzer turns text into terms and is stored with the index, so queries go through the same one. Names:
\`english\` (Unicode words, lower case, Porter stemmer, Lucene's stop words), \`korean\` (character bigrams of Hangul,
other scripts by words), \`cjk\` (bigrams of Han, kana and Hangul), \`standard\` (Unicode words, lower case),
\`whitespace\`, \`ngrams\` (of characters), 22 languages with Snowball stems (\`german\`, \`french\`, …), and \`custom\`
chains. An object sets options: \`{ name: english, stemmer: snowball, stopwords: none }\`. docs/analyzers.md has them all.

\`fields\` searches several columns: \`[title, text]\`. A search then looks in all of them together, in one (\`title:seoul\`),
or weighs them (\`bm25f\`). A field of weighted terms, such as learned sparse vectors (SPLADE), is
\`{ column: vector, kind: weights }\` where the column holds objects (\`{"term": 1.5}\` as JSON text, as read.jsonl gives
them), or \`{ column: terms, weights: values }\` where two columns list terms and weights; the similarity \`impact\` scores it.
\`positions\` keeps the places of terms for phrases; without it, phrases are looked for in the stored text.

Rows are named by \`key\`; a row whose key is there already replaces it, and two rows of one run that have one key are an error. The index keeps the columns \`unit\`, \`doc_id\`,
\`title\`, \`text\`, \`start\` and \`end\` where the input has them, and those named in \`store\` (text, whole numbers of 32
bits, fractions, booleans), and gives them back with hits. Statistics (documents, document frequencies, lengths) are
exact. Nothing is visible before the run commits; readers go on with the generation they opened.`,
  params: z.strictObject({
    path: z.string().describe('folder of the index; made where absent').meta(writesPath()),
    analyzer: analyzerParam
      .default('english')
      .describe('how text becomes terms: a name, or an object with name and options'),
    text: z.string().default('text').describe('the column that is searched'),
    fields: fieldsParam
      .optional()
      .describe('the columns that are searched, instead of text: names, or objects for weighted terms'),
    positions: z
      .boolean()
      .default(false)
      .describe('keep the places of terms, which makes phrases fast (about a byte a term)'),
    key: z
      .string()
      .optional()
      .describe('the column that names a row; default: the key of the input, such as unit_id or doc_id'),
    store: z.array(z.string()).default([]).describe('further columns to keep and give back with hits'),
  }),
  check: p => [...analyzerProblems(p.analyzer), ...fieldProblems(p)],
  reads: p => {
    const columns: Record<string, Columns[string]> = { ...anyColumns(p.store), ...fieldColumns(p) };
    if (p.key !== undefined) columns[p.key] = utf8();
    return columns;
  },
  key: (p, inputKey) => (p.key === undefined ? inputKey : [p.key]),
  fixedBytes: () => 32 << 20,
  examples: [
    {
      title: 'Passages, with a year kept beside them',
      with: { path: 'indexes/sparse', analyzer: 'english', store: ['year'] },
      in: [
        {
          unit_id: 'a#0',
          doc_id: 'a',
          unit: 'passage',
          title: 'Seoul',
          text: 'Seoul is a city',
          start: 0,
          end: 15,
          year: 1394,
        },
        {
          unit_id: 'b#0',
          doc_id: 'b',
          unit: 'passage',
          title: 'Busan',
          text: 'Busan is a port',
          start: 0,
          end: 15,
          year: 1876,
        },
      ],
    },
  ],
  open: async (p, ctx) => {
    const input = ctx.inputs[0] ?? {};
    const key = keyColumn('index.sparse', p.key, ctx);
    const stored = storedColumns(input, key, p.store);
    const searched = searchedColumns(p);
    for (const { weighted } of searched) if (weighted) checkWeightedTerms('with.fields', weighted, input);
    const dir = ctx.path(p.path);
    const writer = await withIndex(() =>
      SparseIndexWriter.open(dir, {
        analyzer: p.analyzer as AnalyzerSpec,
        keyColumn: key,
        fields: searched.map(s => s.spec),
        positions: p.positions,
        memoryBytes: Math.max(8 << 20, Math.floor(ctx.memory * 0.3)),
        replace: ctx.full,
        from: fromOf(sparseGenerations, dir, ctx),
      }),
    );
    return indexSink({
      kind: sparseGenerations,
      dir,
      key,
      writer,
      add: upserts => writer.add(documentBatch(upserts, key, searched, stored)),
    });
  },
});
