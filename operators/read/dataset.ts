import { z } from 'zod';
import {
  type DatasetColumnType,
  type DatasetTake,
  datasetSignature,
  findDataset,
} from '../../datasets/index.ts';
import { type Columns, columnOf, nullable } from '../../src/arrow/index.ts';
import {
  type OpenContext,
  operator,
  readsPath,
  type SourceChunk,
  UserError,
} from '../../src/define/index.ts';
import { fixedLayout } from './lib/layout.ts';
import { Rows } from './lib/rows.ts';

interface DatasetParams {
  readonly name: string;
  readonly take: string;
  readonly split?: string;
  readonly folder?: string;
}

const BATCH_ROWS = 1024;
const BATCH_BYTES = 2 ** 20;

/** The take that parameters name. @throws UserError naming what there is. */
async function takeOf(
  p: DatasetParams,
  ctx: { path(relative: string): string },
): Promise<{ take: DatasetTake; context: { split?: string; dataFolder?: string } }> {
  let dataset: ReturnType<typeof findDataset>;
  try {
    dataset = findDataset(p.name);
  } catch (error) {
    throw new UserError(`with.name: ${(error as Error).message}`, { help: '`millrace datasets` lists them' });
  }
  const take = Object.hasOwn(dataset.takes, p.take) ? dataset.takes[p.take] : undefined;
  if (!take)
    throw new UserError(
      `with.take: dataset "${p.name}" has no "${p.take}"; there are: ${Object.keys(dataset.takes).join(', ')}`,
    );
  if (p.split !== undefined && !dataset.splits.includes(p.split))
    throw new UserError(
      `with.split: dataset "${p.name}" has no split "${p.split}"; ${dataset.splits.length ? `there are: ${dataset.splits.join(', ')}` : 'it has none: leave split out'}`,
    );
  const context = { split: p.split, dataFolder: p.folder === undefined ? undefined : ctx.path(p.folder) };
  const missing = await dataset.available(context);
  if (missing !== undefined) throw new UserError(missing);
  return { take, context };
}

/** Text that does not name the row may be null; a take says where it is. */
function columnsOfTake(take: DatasetTake): Columns {
  return Object.fromEntries(
    Object.entries(take.columns).map(([name, type]: [string, DatasetColumnType]) => {
      const column = columnOf(type);
      if (!column) throw new Error(`dataset column ${name}: no type ${type}`);
      return [name, take.key.includes(name) || type.startsWith('list<') ? column : nullable(column)];
    }),
  );
}

async function* scanDataset(
  p: DatasetParams,
  take: DatasetTake,
  context: { split?: string; dataFolder?: string },
  ctx: OpenContext,
  from: unknown,
): AsyncGenerator<SourceChunk> {
  const skip = (from as { row?: number } | null | undefined)?.row ?? 0;
  const layout = fixedLayout(columnsOfTake(take), take.key);
  let rows = new Rows(layout, () => {});
  let row = 0;
  let bytes = 0;
  const chunk = (): SourceChunk => {
    const out = { batch: rows.finish(), part: p.name, position: { row }, progress: rows.rows };
    rows = new Rows(layout, () => {});
    bytes = 0;
    return out;
  };
  for await (const record of take.rows(context)) {
    if (row++ < skip) continue;
    ctx.signal.throwIfAborted();
    const wrong = rows.push(record, '');
    if (wrong !== undefined) throw new Error(`dataset ${p.name}, ${p.take}, row ${row}: ${wrong}`);
    for (const name in record) if (typeof record[name] === 'string') bytes += record[name].length;
    if (rows.rows >= BATCH_ROWS || bytes >= BATCH_BYTES) yield chunk();
  }
  if (rows.rows > 0) yield chunk();
}

export const readDataset = operator({
  name: 'read.dataset',
  version: 1,
  shape: 'source',
  summary: 'Reads a dataset by name: one of those in datasets/.',
  description:
    'Columns and key are those the dataset declares for the take. What the dataset is, where it comes from and its licence: `millrace datasets NAME`.',
  params: z.strictObject({
    name: z.string().min(1).describe('the dataset, as `millrace datasets` lists it'),
    take: z.string().min(1).default('documents').describe('which of its tables: documents, questions ...'),
    split: z.string().min(1).optional().describe('which part of a table that has splits; default: all of it'),
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('folder of data from outside the package; default: MILLRACE_DATA, else ../shared/data')
      .meta(readsPath()),
  }),
  key: p => {
    try {
      return findDataset(p.name).takes[p.take]?.key ?? ['doc_id'];
    } catch {
      // columns() says what is wrong with the name
      return ['doc_id'];
    }
  },
  columns: async (p, ctx) => columnsOfTake((await takeOf(p, ctx)).take),
  examples: [
    {
      title: 'Questions of a split, from a folder of your own',
      with: { name: 'nq-open', take: 'questions', split: 'dev', folder: '.' },
      files: {
        'nq-open/NQ-open.dev.jsonl': '{"question": "who?", "answer": ["A"]}\n',
        'nq-open/NQ-open.efficientqa.dev.1.1.jsonl': '',
        'nq-open/NQ-open.efficientqa.test.1.1.jsonl': '',
      },
      out: [{ question_id: 'dev/1', question: 'who?', answers: ['A'], split: 'dev' }],
    },
  ],
  open: async (p, ctx) => {
    const { take, context } = await takeOf(p, ctx);
    const signature = await datasetSignature(findDataset(p.name), context);
    return {
      scan: from => scanDataset(p, take, context, ctx, from),
      parts: () => [{ name: p.name, signature }],
    };
  },
});
