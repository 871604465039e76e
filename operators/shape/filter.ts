import { z } from 'zod';
import { columnData } from '../../src/arrow/index.ts';
import { operator, UserError } from '../../src/define/index.ts';
import { anyColumns } from './any-column.ts';
import { type Condition, evaluator, TESTS, typeProblem, valueProblem } from './conditions.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const conditions = z
  .array(
    z.strictObject({
      column: z.string().describe('the column that is looked at'),
      is: z.enum(TESTS).describe('the test'),
      value: z
        .union([scalar, z.array(scalar)])
        .optional()
        .describe('what it is tested against; a list for in and not-in, none for exists and missing'),
      ignoreCase: z.boolean().default(false).describe('whether upper and lower case of text are one'),
    }),
  )
  .default([]);

const columnsOf = (all: readonly Condition[]): string[] => [...new Set(all.map(c => c.column))];

export const filter = operator({
  name: 'filter',
  version: 1,
  shape: 'map',
  rows: 'filter',
  summary: 'Keeps the rows that meet conditions on their columns.',
  description: `A row stays where every condition of \`all\` and, if there are any, at least one of \`any\` holds.

| test | holds where |
|---|---|
| \`equals\`, \`not\` | the value is, is not \`value\` |
| \`in\`, \`not-in\` | the value is, is not in the list \`value\` |
| \`contains\`, \`not-contains\` | the text has \`value\` in it; the list has \`value\` as an item |
| \`starts-with\`, \`ends-with\` | the text does |
| \`matches\`, \`not-matches\` | the regular expression \`value\` (flag u) is found in the text |
| \`min\`, \`max\` | the number is at least, at most \`value\` |
| \`min-words\`, \`max-words\` | the text has at least, at most so many words (runs of non-space) |
| \`exists\`, \`missing\` | the value is, is not there; empty text and an empty list are missing |

A null fails every test but \`missing\`.`,
  params: z.strictObject({
    all: conditions.describe('conditions of which each must hold'),
    any: conditions.describe('conditions of which one must hold, where there are any'),
  }),
  check: p => {
    if (p.all.length + p.any.length === 0) return ['with.all: give at least one condition in all or any'];
    return (['all', 'any'] as const).flatMap(list =>
      p[list].flatMap((c, i) => {
        const problem = valueProblem(c);
        return problem ? [`with.${list}[${i}].${problem}`] : [];
      }),
    );
  },
  reads: p => anyColumns(columnsOf([...p.all, ...p.any])),
  writes: () => ({}),
  examples: [
    {
      title: 'Long enough and not a stub',
      with: {
        all: [
          { column: 'text', is: 'min-words', value: 2 },
          { column: 'title', is: 'not-matches', value: '\\(disambiguation\\)$' },
        ],
      },
      in: [
        { doc_id: 'a', title: 'Seoul', text: 'Seoul is large' },
        { doc_id: 'b', title: 'Seoul (disambiguation)', text: 'Seoul may mean' },
        { doc_id: 'c', title: 'Busan', text: 'Busan' },
      ],
      out: [{ doc_id: 'a', title: 'Seoul', text: 'Seoul is large' }],
    },
    {
      title: 'One of two',
      with: {
        any: [
          { column: 'year', is: 'min', value: 2000 },
          { column: 'tags', is: 'contains', value: 'classic' },
        ],
      },
      columns: { year: 'int32?' },
      in: [
        { doc_id: 'a', year: 2004, tags: [] },
        { doc_id: 'b', year: 1913, tags: ['novel', 'classic'] },
        { doc_id: 'c', year: null, tags: ['novel'] },
      ],
      out: [
        { doc_id: 'a', year: 2004, tags: [] },
        { doc_id: 'b', year: 1913, tags: ['novel', 'classic'] },
      ],
    },
  ],
  open: (p, ctx) => {
    for (const c of [...p.all, ...p.any]) {
      const problem = ctx.inputs[0]?.[c.column] && typeProblem(c, ctx.inputs[0][c.column].type);
      if (problem) throw new UserError(problem);
    }
    const all = p.all.map(c => [c.column, evaluator(c)] as const);
    const any = p.any.map(c => [c.column, evaluator(c)] as const);
    return {
      process: batch => {
        const rows = batch.numRows;
        const stays = new Uint8Array(rows).fill(1);
        const holds = new Uint8Array(rows);
        for (const [column, evaluate] of all) {
          evaluate(columnData(batch, column), holds);
          for (let i = 0; i < rows; i++) stays[i] &= holds[i];
        }
        if (any.length > 0) {
          const one = new Uint8Array(rows);
          for (const [column, evaluate] of any) {
            evaluate(columnData(batch, column), holds);
            for (let i = 0; i < rows; i++) one[i] |= holds[i];
          }
          for (let i = 0; i < rows; i++) stays[i] &= one[i];
        }
        const keep = new Int32Array(rows);
        let kept = 0;
        for (let i = 0; i < rows; i++) if (stays[i] === 1) keep[kept++] = i;
        return { keep: keep.slice(0, kept) };
      },
    };
  },
});
