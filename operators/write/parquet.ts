import { z } from 'zod';
import { operator, writesPath } from '../../src/define/index.ts';
import { parquetFormat, rewriteParquet } from './parquet-format.ts';
import { fileSink } from './sink.ts';
import { publishFile } from './target.ts';

export const writeParquet = operator({
  name: 'write.parquet',
  version: 1,
  shape: 'sink',
  summary: 'Writes rows as a Parquet file.',
  description:
    'Row groups end at 131,072 rows or 32 MiB, whichever comes first, and are written as they fill. The file appears whole when the run commits, and not at all when it fails.',
  params: z.strictObject({
    path: z.string().min(1).describe('file to write, usually .parquet').meta(writesPath()),
    compression: z
      .enum(['zstd', 'snappy', 'gzip', 'brotli', 'none'])
      .default('zstd')
      .describe('codec of the pages; snappy is what the oldest readers know'),
    dictionary: z
      .boolean()
      .default(true)
      .describe('whether repeated values are stored once; false for readers that know plain pages only'),
  }),
  reads: () => ({}),
  examples: [{ title: 'A Parquet file', with: { path: 'rows.parquet' }, in: [{ doc_id: 'a', text: 'one' }] }],
  open: (p, ctx) => {
    const columns = ctx.inputs[0] ?? {};
    return fileSink(p.path, ctx, () => parquetFormat(columns, p), rewriteParquet(columns, p), {
      compress: false,
    });
  },
  publish: (p, token, ctx) => publishFile(p.path, token, ctx),
});
