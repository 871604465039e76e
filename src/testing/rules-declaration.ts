/** Rules about what an operator declares: its words, its parameters, its columns. */
import { z } from 'zod';
import { columnsOf, nullable, sameType, typeName } from '../arrow/index.ts';
import { asEngine } from '../define/index.ts';
import { exampleInputs } from './generic.ts';
import { onExamples, type Rule } from './rule.ts';
import { parseParams } from './step.ts';

export const words: Rule = {
  name: 'it says what it is',
  check: ({ op }) => {
    const { summary } = op;
    const problems: string[] = [];
    if (!summary.endsWith('.'))
      problems.push(`summary does not end with a full stop: ${JSON.stringify(summary)}`);
    if (!/^\p{Lu}/u.test(summary)) problems.push('summary does not begin with a capital letter');
    if (summary.includes('\n')) problems.push('summary is more than a line');
    return problems;
  },
};

/** A schema without what stands around it: optional, default, nullable and so on. */
function* layers(schema: z.core.$ZodType): Generator<z.core.$ZodType> {
  for (let at: z.core.$ZodType | undefined = schema; at; ) {
    yield at;
    const { innerType } = at._zod.def as { innerType?: z.core.$ZodType };
    at = innerType;
  }
}

/** The description of a parameter, wherever in its wrappers it stands. */
export function describedAs(schema: z.core.$ZodType): string | undefined {
  for (const layer of layers(schema)) {
    const text = z.globalRegistry.get(layer)?.description;
    if (text) return text;
  }
  return undefined;
}

function* undescribed(schema: z.core.$ZodType, path: string): Generator<string> {
  for (const layer of layers(schema)) {
    const def = layer._zod.def as { shape?: Record<string, z.core.$ZodType>; element?: z.core.$ZodType };
    for (const [name, field] of Object.entries(def.shape ?? {})) {
      const at = path ? `${path}.${name}` : name;
      if (!describedAs(field)) yield at;
      yield* undescribed(field, at);
    }
    if (def.element) yield* undescribed(def.element, `${path}[]`);
  }
}

export const describedParams: Rule = {
  name: 'parameters have descriptions and the defaults parse',
  check: ({ op }) => {
    const problems = [...undescribed(op.params, '')].map(at => `parameter ${at} has no description`);
    for (const [name, field] of Object.entries(op.params.shape)) {
      const def = (field as z.core.$ZodType)._zod.def as { type: string; defaultValue?: unknown };
      if (def.type !== 'default') continue;
      const parsed = z.safeParse(field as z.core.$ZodType, def.defaultValue);
      if (!parsed.success)
        problems.push(`the default of ${name} does not parse: ${parsed.error.issues[0].message}`);
    }
    for (const example of op.examples) {
      try {
        // parsed parameters are stored and sent to workers: they must survive that
        const once = parseParams(op, example.with);
        const again = parseParams(op, JSON.parse(JSON.stringify(once)));
        if (JSON.stringify(once) !== JSON.stringify(again))
          problems.push(`example "${example.title}": parsed parameters parse to others`);
      } catch (error) {
        problems.push(`example "${example.title}": ${(error as Error).message}`);
      }
    }
    return problems;
  },
};

export const refusesUnknown: Rule = {
  name: 'an unknown parameter is refused',
  check: ({ op }) => {
    const given = { ...op.examples[0]?.with, 'no-such-parameter': 1 };
    return op.params.safeParse(given).success
      ? ['takes a parameter that it does not have; use z.strictObject']
      : [];
  },
};

export const declaredColumns: Rule = {
  name: 'output columns and types are the declared ones',
  check: tested => {
    const { shape } = asEngine(tested.op);
    if (shape === 'sink') return [];
    return onExamples(tested, async (example, run) => {
      const { batches, step } = await run(shape === 'source' ? undefined : exampleInputs(example));
      const problems = new Set<string>();
      for (const key of step.key)
        if (!Object.hasOwn(step.output, key)) problems.add(`its key "${key}" is no column of it`);
      for (const batch of batches) {
        const found = columnsOf(batch.schema);
        const names = Object.keys(step.output);
        if (Object.keys(found).join() !== names.join())
          problems.add(`gives columns ${Object.keys(found).join(', ')}; declared ${names.join(', ')}`);
        for (const [i, name] of names.entries()) {
          const data = batch.data.children[i];
          const declared = step.output[name];
          if (!data || !found[name]) continue;
          if (!sameType(data.type, declared.type) || !sameType(found[name].type, declared.type))
            problems.add(
              `gives column "${name}" as ${typeName(data.type)}, declared ${typeName(declared.type)}`,
            );
          const passed = Object.values(step.passes).includes(name);
          if (data.nullCount > 0 && !declared.nullable && !passed)
            problems.add(
              `gives nulls in column "${name}", which is not declared nullable (${nullable.name})`,
            );
        }
      }
      return [...problems];
    });
  },
};
