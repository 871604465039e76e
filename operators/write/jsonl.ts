import { z } from 'zod';
import { operator, writesPath } from '../../src/define/index.ts';
import { openBytes } from '../read/lib/bytes.ts';
import { LineCutter, recordBlocks } from '../read/lib/lines.ts';
import { ByteBuffer } from './bytes.ts';
import { checkWritable, putJsonLines } from './json.ts';
import { fileSink, type Rewrite } from './sink.ts';
import { publishFile } from './target.ts';

const rewrite: Rewrite = async (from, to, deletes) => {
  let row = 0;
  let kept = 0;
  const blocks = await openBytes(from.file);
  for await (const block of recordBlocks(blocks, new LineCutter(), from.file.shown)) {
    const bytes = Buffer.from(block.raw.buffer);
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(10, start) + 1;
      const record = JSON.parse(bytes.toString('utf8', start, end)) as Record<string, unknown>;
      if (!deletes.drops(row++, name => record[name])) {
        await to.write(bytes.subarray(start, end));
        kept++;
      }
      start = end;
    }
  }
  return kept;
};

export const writeJsonl = operator({
  name: 'write.jsonl',
  version: 1,
  shape: 'sink',
  summary: 'Writes rows as JSONL: one JSON object a line.',
  description:
    'Fields stand in the order of the columns. Nulls are left out, and so are NaN and infinities, which JSON does not have (inside lists both are `null`). Floats are the shortest text that reads back as the same number. A path that ends in `.gz`, `.br` or (where Node can) `.zst` is compressed. The file appears whole when the run commits, and not at all when it fails.',
  params: z.strictObject({
    path: z.string().min(1).describe('file to write; .gz, .br or .zst compresses it').meta(writesPath()),
  }),
  reads: () => ({}),
  examples: [
    {
      title: 'Two rows, one with a null',
      with: { path: 'out/rows.jsonl' },
      in: [
        { doc_id: 'a', text: 'says "hi"', score: 0.1 },
        { doc_id: 'b', text: null, score: 2 },
      ],
      columns: { doc_id: 'utf8', text: 'utf8?', score: 'float64' },
      written: {
        'out/rows.jsonl': '{"doc_id":"a","text":"says \\"hi\\"","score":0.1}\n{"doc_id":"b","score":2}\n',
      },
    },
  ],
  open: async (p, ctx) => {
    checkWritable(ctx.inputs[0] ?? {}, 'JSONL');
    const out = new ByteBuffer();
    return fileSink(
      p.path,
      ctx,
      () => ({
        rows: async (batch, target) => {
          // slices keep the buffer small whatever the batch
          for (let start = 0; start < batch.numRows; start += 1024) {
            putJsonLines(
              out,
              start === 0 && batch.numRows <= 1024 ? batch : batch.slice(start, start + 1024),
            );
            await target.write(out.take());
          }
        },
      }),
      rewrite,
    );
  },
  publish: (p, token, ctx) => publishFile(p.path, token, ctx),
});
