import { z } from 'zod';
import { operator, writesPath } from '../../src/define/index.ts';
import { arrowFormat, rewriteArrow } from './arrow-format.ts';
import { fileSink } from './sink.ts';
import { publishFile } from './target.ts';

export const writeArrow = operator({
  name: 'write.arrow',
  version: 1,
  shape: 'sink',
  summary: 'Writes rows as an Arrow IPC file or stream.',
  description:
    'Batches are written as they come, one at a time and uncompressed, so that every Arrow implementation reads them and a `file` can be mapped into memory. The file appears whole when the run commits, and not at all when it fails.',
  params: z.strictObject({
    path: z.string().min(1).describe('file to write, usually .arrow').meta(writesPath()),
    format: z
      .enum(['file', 'stream'])
      .default('file')
      .describe('file has an index of its batches at its end and can be read in any order; stream has none'),
  }),
  reads: () => ({}),
  examples: [
    {
      title: 'An Arrow file',
      with: { path: 'rows.arrow' },
      in: [{ doc_id: 'a', text: 'one' }],
    },
  ],
  open: (p, ctx) =>
    fileSink(
      p.path,
      ctx,
      () => arrowFormat(ctx.inputs[0] ?? {}, p.format),
      rewriteArrow(ctx.inputs[0] ?? {}, p.format),
      {
        compress: false,
      },
    ),
  publish: (p, token, ctx) => publishFile(p.path, token, ctx),
});
