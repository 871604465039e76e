/** The rule about columns that tell others: rows that differ in what is read never share what is written. */
import { batchFromRows, columnsOf, rowsOf } from '../arrow/index.ts';
import { asEngine } from '../define/index.ts';
import { exampleInputs } from './generic.ts';
import { onExamples, type Rule } from './rule.ts';
import { parseParams } from './step.ts';

/** Values of a column that are tried, and how often what they became is tried in turn. */
const MOST = 6;
const TIMES = 2;

export const tellsApart: Rule = {
  name: 'a column that tells another is never shared',
  check: tested => {
    const op = asEngine(tested.op);
    if (op.shape !== 'map' || !op.tells) return [];
    return onExamples(tested, async (example, run) => {
      const [input] = exampleInputs(example);
      const problems: string[] = [];
      const params = parseParams(tested.op, example.with);
      for (const [written, read] of Object.entries(op.tells?.(params) ?? {})) {
        if (
          !Object.hasOwn(
            op.writes(params, columnsOf(input.schema), { root: '.', path: relative => relative }),
            written,
          )
        )
          problems.push(`says what "${written}" tells, which it does not write`);
        if (!Object.hasOwn(op.reads(params), read)) {
          problems.push(`says that "${written}" tells "${read}", which it does not read`);
          continue;
        }
        const rows = rowsOf(input);
        const columns = columnsOf(input.schema);
        const givers = new Map<unknown, unknown>();
        // what came out goes in again: ids that look like those of parts are the likeliest to clash
        let values = [...new Set(rows.map(row => row[read]))].slice(0, MOST);
        for (let time = 0; time <= TIMES; time++) {
          const next = new Set<unknown>();
          for (const value of values) {
            const of = rows.map(row => ({ ...row, [read]: value }));
            const { rows: out } = await run([batchFromRows(columns, of.slice(0, 1))]);
            for (const row of out) {
              const giver = givers.get(row[written]) ?? value;
              if (giver !== value)
                problems.push(
                  `${read} ${JSON.stringify(giver)} and ${JSON.stringify(value)} both give ${written} ${JSON.stringify(row[written])}`,
                );
              givers.set(row[written], value);
              next.add(row[written]);
            }
          }
          values = [...next].slice(0, MOST);
        }
      }
      return [...new Set(problems)];
    });
  },
};
