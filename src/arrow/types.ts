/**
 * Column types: what a stream's columns are, said once, for checks, builders and documentation.
 * Thin over Apache Arrow's own types; a {@link Column} adds whether nulls are allowed.
 */
import {
  Bool,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  List,
  Schema,
  Uint8,
  Utf8,
} from 'apache-arrow';

/** A column: its Arrow type, whether an operator that reads it handles nulls, and what its scores count for. */
export interface Column {
  readonly type: DataType;
  readonly nullable: boolean;
  /** What made its values, such as the model of vectors: the metadata of its Arrow field. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * What scores in it (or those of vectors in it) count for where lists are merged, said by the step that knows: above 0;
   * nothing said is 1. A plan carries it from step to step; it is in no batch and in no file.
   */
  readonly weight?: number;
}

/** Columns by name, in order. */
export type Columns = Readonly<Record<string, Column>>;

const column = (type: DataType): Column => ({ type, nullable: false });

/** UTF-8 text. */
export const utf8 = (): Column => column(new Utf8());
/** Signed 32-bit integers. */
export const int32 = (): Column => column(new Int32());
/** Signed 64-bit integers (bigint in JavaScript). */
export const int64 = (): Column => column(new Int64());
/** 32-bit floats. */
export const float32 = (): Column => column(new Float32());
/** 64-bit floats. */
export const float64 = (): Column => column(new Float64());
/** Booleans. */
export const bool = (): Column => column(new Bool());
/** Signed bytes, as quantised vectors hold them. */
export const int8 = (): Column => column(new Int8());
/** Unsigned bytes. */
export const uint8 = (): Column => column(new Uint8());
/** A list of any length in each row. */
export const list = (item: Column): Column => column(new List(new Field('item', item.type, true)));
/** A list of exactly `size` values in each row: vectors. */
export const fixedList = (size: number, item: Column): Column =>
  column(new FixedSizeList(size, new Field('item', item.type, item.nullable)));
/** The same column with nulls allowed. */
export const nullable = (of: Column): Column => ({ ...of, nullable: true });
/** The same column with a weight, or with none. */
export const weighing = ({ weight: _, ...of }: Column, weight: number | undefined): Column => ({
  ...of,
  ...(weight !== undefined && weight !== 1 && { weight }),
});

const SCALARS: Record<string, () => Column> = { utf8, int32, int64, float32, float64, bool, int8, uint8 };

/** The column that a name such as `utf8`, `list<utf8>` or `float32?` (nullable) says, or undefined. */
export function columnOf(name: string): Column | undefined {
  const text = name.trim();
  if (text.endsWith('?')) {
    const inner = columnOf(text.slice(0, -1));
    return inner && nullable(inner);
  }
  const fixed = /^fixed<(\d+),(.+)>$/.exec(text);
  if (fixed) {
    const inner = columnOf(fixed[2]);
    return inner && fixedList(Number(fixed[1]), inner);
  }
  const listed = /^list<(.+)>$/.exec(text);
  if (listed) {
    const inner = columnOf(listed[1]);
    return inner && list(inner);
  }
  return Object.hasOwn(SCALARS, text) ? SCALARS[text]() : undefined;
}

/** An Arrow type as people read it: `Utf8`, `List<Utf8>`, `FixedSizeList[384]<Float32>`. */
export const typeName = (type: DataType): string => String(type);

/** Whether two types hold the same values: names of list items and their nullability do not count. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a.typeId !== b.typeId) return false;
  if (a.children?.length || b.children?.length) {
    if (a.children.length !== b.children.length) return false;
    if ('listSize' in a && 'listSize' in b && a.listSize !== b.listSize) return false;
    return a.children.every((child: Field, i: number) => sameType(child.type, b.children[i].type));
  }
  return String(a) === String(b);
}

/** The Arrow schema of some columns. Every field is nullable in Arrow's sense, so readers elsewhere accept it. */
export const schemaOf = (columns: Columns): Schema =>
  new Schema(
    Object.entries(columns).map(
      ([name, c]) => new Field(name, c.type, true, c.metadata && new Map(Object.entries(c.metadata))),
    ),
  );

/** The columns of an Arrow schema. */
export const columnsOf = (schema: Schema): Columns =>
  Object.fromEntries(
    schema.fields.map(f => [
      f.name,
      {
        type: f.type,
        nullable: f.nullable,
        ...(f.metadata.size > 0 && { metadata: Object.fromEntries(f.metadata) }),
      },
    ]),
  );
