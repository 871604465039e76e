/** Walks parameter schemas: which keys an object takes, and which values carry a mark (`location`, `secret`). */
import { z } from 'zod';
import type { ParamMark } from '../define/index.ts';
import type { DefinitionPath } from './types.ts';

type Schema = z.core.$ZodType;

/** The schema inside `default`, `optional`, `nullable`, `readonly` and the like, one level down. */
function inner(schema: Schema): Schema | undefined {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  ) {
    return schema.unwrap() as Schema;
  }
  // `.transform()` keeps what is read on the left, `z.preprocess()` on the right.
  if (schema instanceof z.ZodPipe) return schema.in instanceof z.ZodTransform ? schema.out : schema.in;
  if (schema instanceof z.ZodLazy) return schema.unwrap() as Schema;
  return undefined;
}

/** The schema without what is wrapped around it. */
export function unwrap(schema: Schema): Schema {
  let s = schema;
  for (let next = inner(s); next; next = inner(s)) s = next;
  return s;
}

/** The marks on a schema and on what it wraps. */
function marksOf(schema: Schema): ParamMark {
  let mark: ParamMark = {};
  for (let s: Schema | undefined = schema; s; s = inner(s)) mark = { ...z.globalRegistry.get(s), ...mark };
  return mark;
}

/** Every schema that could hold at `path`, unions followed into each branch. */
export function schemasAt(schema: Schema, path: DefinitionPath): Schema[] {
  const s = unwrap(schema);
  if (s instanceof z.ZodUnion) return s.options.flatMap(o => schemasAt(o as Schema, path));
  if (s instanceof z.ZodIntersection) {
    return [s.def.left, s.def.right].flatMap(side => schemasAt(side, path));
  }
  if (path.length === 0) return [s];
  const [first, ...rest] = path;
  if (s instanceof z.ZodObject) {
    const shape: Record<string, Schema> = s.shape;
    return typeof first === 'string' && Object.hasOwn(shape, first) ? schemasAt(shape[first], rest) : [];
  }
  if (s instanceof z.ZodArray) return schemasAt(s.element as Schema, rest);
  if (s instanceof z.ZodRecord) return schemasAt(s.valueType as Schema, rest);
  if (s instanceof z.ZodTuple) {
    const item = s.def.items[Number(first)] ?? s.def.rest;
    return item ? schemasAt(item, rest) : [];
  }
  return [];
}

/** The keys that objects at `path` may have. */
export const keysAt = (schema: Schema, path: DefinitionPath): string[] => [
  ...new Set(schemasAt(schema, path).flatMap(s => (s instanceof z.ZodObject ? Object.keys(s.shape) : []))),
];

/** A value that carries a mark. */
export interface Marked {
  readonly path: DefinitionPath;
  readonly value: unknown;
  readonly mark: ParamMark;
}

/** The marked values inside a (parsed or raw) value, in the order of the schema. */
export function markedValues(schema: Schema, value: unknown, path: DefinitionPath = []): Marked[] {
  if (value === undefined) return [];
  const mark = marksOf(schema);
  if (mark.location !== undefined || mark.secret || mark.hint) return [{ path, value, mark }];
  const s = unwrap(schema);
  if (s instanceof z.ZodUnion) {
    const options = s.options as readonly Schema[];
    const fitting = options.find(o => z.safeParse(o, value).success);
    return fitting ? markedValues(fitting, value, path) : [];
  }
  if (s instanceof z.ZodIntersection) {
    return [s.def.left, s.def.right].flatMap(side => markedValues(side, value, path));
  }
  if (Array.isArray(value)) {
    const items = s instanceof z.ZodTuple ? s.def.items : [];
    const element = s instanceof z.ZodArray ? (s.element as Schema) : undefined;
    return value.flatMap((v, i) => {
      const schemaOfItem = element ?? items[i];
      return schemaOfItem ? markedValues(schemaOfItem, v, [...path, i]) : [];
    });
  }
  if (typeof value === 'object' && value !== null) {
    const members = value as Record<string, unknown>;
    if (s instanceof z.ZodObject) {
      const shape: Record<string, Schema> = s.shape;
      return Object.keys(shape).flatMap(key =>
        Object.hasOwn(members, key) ? markedValues(shape[key], members[key], [...path, key]) : [],
      );
    }
    if (s instanceof z.ZodRecord) {
      return Object.keys(members).flatMap(key =>
        markedValues(s.valueType as Schema, members[key], [...path, key]),
      );
    }
  }
  return [];
}
