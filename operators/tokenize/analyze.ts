import { z } from 'zod';
import { list, listData, nullable, utf8, utf8DataOf, utf8View } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { type AnalyzerSpec, createAnalyzer } from '../../src/retrieval/analysis/index.ts';
import { analyzerParam, analyzerProblems } from './analyzer-param.ts';

/** Bytes of an analyzer's dictionaries at which they are begun anew. */
const DICTIONARY_BYTES = 64 << 20;

export const analyze = operator({
  name: 'analyze',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Gives the terms that an analyzer makes of a text.',
  description: `The terms stand in text order, repeated as often as they occur, as \`index.sparse\` counts them: what to look at when
a search does not find what it should. A null text has no terms. Analyzers are described at \`index.sparse\`.`,
  params: z.strictObject({
    analyzer: analyzerParam
      .default('english')
      .describe('how text becomes terms: a name, or an object with name and options'),
    column: z.string().default('text').describe('the column of texts'),
    into: z.string().default('terms').describe('the column that gets the terms'),
  }),
  check: p => analyzerProblems(p.analyzer),
  reads: p => ({ [p.column]: nullable(utf8()) }),
  writes: p => ({ [p.into]: list(utf8()) }),
  fixedBytes: () => DICTIONARY_BYTES,
  examples: [
    {
      title: 'English: stop words out, stems',
      with: { analyzer: 'english' },
      in: [{ doc_id: 'a', text: "The city's bridges were rebuilt" }],
      out: [{ doc_id: 'a', terms: ['citi', 'bridg', 'were', 'rebuilt'] }],
    },
    {
      title: 'Korean: bigrams of Hangul',
      with: { analyzer: 'korean', column: 'question', into: 'grams' },
      in: [{ question_id: 'q', question: '서울은 2024 Seoul' }],
      out: [{ question_id: 'q', question: '서울은 2024 Seoul', grams: ['서울', '울은', '2024', 'seoul'] }],
    },
  ],
  open: p => {
    const analyzer = createAnalyzer(p.analyzer as AnalyzerSpec);
    let stream = analyzer.stream();
    return {
      process: batch => {
        if (stream.memoryBytes > DICTIONARY_BYTES) stream = analyzer.stream();
        const texts = utf8View(batch, p.column);
        const rows = new Int32Array(texts.length + 1);
        let ids = new Int32Array(1024);
        let count = 0;
        for (let i = 0; i < texts.length; i++) {
          const found = texts.isNull(i)
            ? 0
            : stream.analyze(texts.bytes, texts.offsets[i], texts.offsets[i + 1]);
          if (count + found > ids.length) {
            const wider = new Int32Array(Math.max(ids.length * 2, count + found));
            wider.set(ids);
            ids = wider;
          }
          ids.set(stream.ids.subarray(0, found), count);
          count += found;
          rows[i + 1] = count;
        }
        const offsets = new Int32Array(count + 1);
        for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i] + stream.terms.slice(ids[i]).length;
        const bytes = new Uint8Array(offsets[count]);
        for (let i = 0; i < count; i++) bytes.set(stream.terms.slice(ids[i]), offsets[i]);
        return { columns: { [p.into]: listData(rows, utf8DataOf(bytes, offsets)) } };
      },
    };
  },
});
