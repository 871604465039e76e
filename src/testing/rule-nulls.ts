/** The rule about nulls: handled where a column is declared nullable, carried along where it is not read at all. */
import { columnsOf, hasColumn } from '../arrow/index.ts';
import { asEngine, nullableNames } from '../define/index.ts';
import { exampleInputs, withNull } from './generic.ts';
import { onExamples, type Rule } from './rule.ts';
import { guessKey, parseParams } from './step.ts';

export const handlesNulls: Rule = {
  name: 'nulls are handled or refused by name',
  check: tested => {
    const op = asEngine(tested.op);
    if (op.shape === 'source') return [];
    return onExamples(tested, async (example, run) => {
      const params = parseParams(tested.op, example.with);
      const inputs = exampleInputs(example);
      const problems: string[] = [];
      for (const [i, input] of inputs.entries()) {
        if (input.numRows === 0) continue;
        const reads = op.reads(params, i);
        const free = nullableNames(reads);
        const key = guessKey(columnsOf(input.schema));
        for (const { name } of input.schema.fields) {
          if (key.includes(name)) continue;
          const read = Object.hasOwn(reads, name);
          const changed = inputs.map((batch, j) => (j === i ? withNull(batch, name, 0) : batch));
          const error = await run(changed).then(
            () => undefined,
            (e: unknown) => e as Error,
          );
          if (read && !free.has(name)) {
            if (!error?.message.includes(`"${name}"`))
              problems.push(`does not refuse a null in "${name}" by name`);
          } else if (error && hasColumn(input, name))
            problems.push(
              `a null in "${name}", which ${read ? 'it declares nullable' : 'it does not read'}: ${error.message}`,
            );
        }
      }
      return problems;
    });
  },
};
