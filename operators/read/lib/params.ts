/** Parameters that sources share. */
import { z } from 'zod';
import { readsPath } from '../../../src/define/index.ts';
import { keyNames } from './layout.ts';

/** The files of a source. */
export const pathParam = (what: string) =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(`${what}: a file, a glob, a folder, or a list of them; read in order of their paths`)
    .meta(readsPath());

/** How fields become columns. */
export const layoutParams = {
  id: z
    .string()
    .min(1)
    .optional()
    .describe(
      'field that names a document (doc_id); default: doc_id, else _id, else id, else made as FILE#ROW. Whole numbers become text',
    ),
  text: z.string().min(1).optional().describe('field that becomes the column text; default: text'),
  title: z.string().min(1).optional().describe('field that becomes the column title; default: title'),
  key: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default('doc_id')
    .describe(
      'column, or columns, that name a row where rows are not documents: question_id, or [question_id, rank]',
    ),
  columns: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe(
      'fields to read and their types: utf8, int32, int64, float32, float64, bool, list<utf8>, fixed<384,float32>, json; "?" after a type allows nulls. Default: from the first 1,000 records of the first file',
    ),
};

/** Problems between the parameters of {@link layoutParams}. */
export function checkLayout(p: { id?: string; key: string | readonly string[] }): string[] {
  const names = keyNames(p.key);
  if (names.length > 1 && p.id !== undefined)
    return [`with.id: a key of ${names.length} columns (${names.join(', ')}) takes no id; leave id out`];
  return new Set(names).size < names.length ? [`with.key: a column stands twice in ${names.join(', ')}`] : [];
}

/** The sentence about changing schemas, the same for every source. */
export const DRIFT =
  'Columns are fixed when a run starts (from `columns`, or the head of the first file): a field that appears later is left out with one warning, a field that is missing is null, and a value of another type is a row error that names file, line, column, what was found and what was wanted (a whole number fits float64; nothing but text fits utf8).';
