/** The parameter `fields` of index.sparse: which columns are searched, and as what. */
import { z } from 'zod';
import { type Columns, nullable, utf8 } from '../../src/arrow/index.ts';
import type { FieldSpec } from '../../src/retrieval/sparse/index.ts';
import { anyColumn } from '../shape/any-column.ts';
import type { WeightedTerms } from './weighted-terms.ts';

const field = z.union([
  z.string(),
  z.strictObject({
    column: z.string().describe('the column that is searched'),
    kind: z.enum(['text', 'weights']).default('text').describe('text, or terms with weights'),
    weights: z
      .string()
      .optional()
      .describe('with terms in a list: the column that lists their weights (kind weights)'),
    bits: z.literal([8, 16]).default(16).describe('bits of a stored weight: 8 are exact to 3 %, 16 to .02 %'),
  }),
]);

export const fieldsParam = z.array(field).min(1);

/** One searched column. */
export interface SearchedColumn {
  readonly spec: FieldSpec;
  /** Where its weighted terms stand; undefined for text. */
  readonly weighted: WeightedTerms | undefined;
}

/** The columns that are searched, in order; `text` where no fields are named. */
export function searchedColumns(p: {
  readonly text: string;
  readonly fields?: z.output<typeof fieldsParam>;
}): SearchedColumn[] {
  return (p.fields ?? [p.text]).map(given => {
    if (typeof given === 'string') return { spec: { name: given, kind: 'text' }, weighted: undefined };
    const { column, kind, weights, bits } = given;
    return kind === 'text' && weights === undefined
      ? { spec: { name: column, kind: 'text' }, weighted: undefined }
      : { spec: { name: column, kind: 'weights', bits }, weighted: { column, weights } };
  });
}

export function fieldProblems(
  p: Parameters<typeof searchedColumns>[0] & { readonly positions: boolean },
): string[] {
  const found = searchedColumns(p);
  const names = found.map(f => f.spec.name);
  const problems = names
    .filter((name, i) => names.indexOf(name) !== i)
    .map(name => `with.fields: column "${name}" stands twice`);
  if (p.positions && !found.some(f => f.spec.kind === 'text'))
    problems.push('with.positions: no field is text, and only terms of text have places');
  return problems;
}

/** The columns that the fields are read from. */
export function fieldColumns(p: Parameters<typeof searchedColumns>[0]): Columns {
  const columns: Record<string, Columns[string]> = {};
  for (const { spec, weighted } of searchedColumns(p)) {
    columns[spec.name] = weighted === undefined ? nullable(utf8()) : anyColumn();
    if (weighted?.weights !== undefined) columns[weighted.weights] = anyColumn();
  }
  return columns;
}
