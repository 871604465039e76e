/**
 * From what a `map` operator returns to the batch that flows on: the columns it wrote, checked against its
 * declaration, and the columns that pass through, taken by the row indices it gave. On the hot path: everything
 * that depends on the step alone is worked out once, and columns that keep all their rows are never copied.
 */
import { type Data, type DataType, type RecordBatch, type Schema, Vector } from 'apache-arrow';
import { batchOf, type Columns, concatData, sameType, takeData, typeName } from '../arrow/index.ts';
import type { EngineOperator, OutputByRows, OutputColumns, Params, Rows } from '../define/index.ts';

/** The part of a planned step that assembling needs; a `PlannedStep` has it all. */
export interface AssembledStep {
  readonly op: EngineOperator;
  readonly params: Params;
  /** The columns of its inputs; a map has one. */
  readonly inputs: readonly Columns[];
  readonly output: Columns;
  readonly outputSchema: Schema;
  /** Input column → output column, for columns that go through untouched. */
  readonly passes: Readonly<Record<string, string>>;
}

/** What a map operator may return. */
export type MapOutput = OutputByRows[Rows];

/** An assembled batch and where its rows came from. */
export interface Assembled {
  readonly batch: RecordBatch;
  /**
   * For each output row the input row it came from: `keep` of a filter, `parent` of an explode, the first row of each
   * group. Absent for `same`, where row i comes from row i.
   */
  readonly parent?: Int32Array;
}

/** Assembles one output. @throws Error where the operator returned something other than it declared. */
export type Assemble = (input: RecordBatch, out: MapOutput) => Assembled;

/** One output column: written by the operator, or taken from the input column `from`. */
interface Slot {
  readonly name: string;
  readonly type: DataType;
  readonly from?: string;
}

/** Makes the assembling function of a map step: columns that no input column passes to are those it writes. */
export function assembler(step: AssembledStep): Assemble {
  const { op } = step;
  if (op.shape !== 'map') throw new Error(`operator ${op.name} is a ${op.shape}; only maps are assembled`);
  const passedTo = new Map(Object.entries(step.passes).map(([from, to]) => [to, from]));
  const slots: Slot[] = Object.entries(step.output).map(([name, column]) => ({
    name,
    type: column.type,
    from: passedTo.get(name),
  }));
  const writtenSlots = slots.filter(s => s.from === undefined);
  const known = new Set(writtenSlots.map(s => s.name));
  const rowsOf = readers[op.rows];
  const { outputSchema } = step;

  // where the passed columns stand, looked up again only where a batch comes with another schema object
  let schema: Schema | undefined;
  let at: Int32Array = new Int32Array(0);
  // whether the output has the very columns of the input, in their order
  let untouched = false;
  const locate = (input: RecordBatch): void => {
    schema = input.schema;
    const fields = input.schema.fields;
    at = Int32Array.from(slots, s => (s.from === undefined ? -1 : fields.findIndex(f => f.name === s.from)));
    slots.forEach((s, i) => {
      if (s.from !== undefined && at[i] < 0)
        throw new Error(
          `operator ${op.name}: the input has no column ${s.from} to pass through; it has ${fields.map(f => f.name).join(', ')}`,
        );
    });
    untouched =
      slots.length === fields.length && slots.every((s, i) => at[i] === i && s.name === fields[i].name);
  };

  return (input, out) => {
    if (input.schema !== schema) locate(input);
    if (typeof out !== 'object' || out === null)
      throw new Error(`operator ${op.name} returned ${String(out)}; a map returns an object with columns`);
    const { rows, taken, identity } = rowsOf(op.name, input.numRows, out);
    const columns = out.columns ?? NONE;
    for (const name in columns) {
      if (!known.has(name))
        throw new Error(
          `operator ${op.name} returned column ${name}, which it does not declare; it declares ${[...known].join(', ') || 'none'}`,
        );
    }
    if (identity && untouched) return { batch: input, parent: taken };
    const datas = new Array<Data>(slots.length);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (slot.from === undefined) datas[i] = checked(op.name, slot, columns[slot.name], rows);
      else {
        const data = input.data.children[at[i]];
        datas[i] = identity ? data : takeData(data, taken as Int32Array);
      }
    }
    return { batch: batchOf(outputSchema, rows, datas), parent: taken };
  };
}

const NONE: OutputColumns = {};

function checked(op: string, slot: Slot, value: Data | Vector | undefined, rows: number): Data {
  if (value === undefined)
    throw new Error(`operator ${op} did not return column ${slot.name}, which it declares`);
  const data = value instanceof Vector ? joined(value) : value;
  if (data.type !== slot.type && !sameType(data.type, slot.type))
    throw new Error(
      `operator ${op} returned column ${slot.name} as ${typeName(data.type)}, declared ${typeName(slot.type)}`,
    );
  if (data.length !== rows)
    throw new Error(`operator ${op} returned ${data.length} values of column ${slot.name} for ${rows} rows`);
  return data;
}

const joined = (vector: Vector): Data =>
  vector.data.length === 1 ? vector.data[0] : concatData(vector.data as Data[]);

/** How many rows come out, from which rows of the input, and whether these are all of them as they were. */
interface Taken {
  readonly rows: number;
  readonly taken?: Int32Array;
  readonly identity: boolean;
}
type RowReader = (op: string, rowsIn: number, out: MapOutput) => Taken;

const readers: Readonly<Record<Rows, RowReader>> = {
  same: (_op, rowsIn) => ({ rows: rowsIn, identity: true }),
  filter: (op, rowsIn, out) => {
    const { keep } = out as OutputByRows['filter'];
    wantIndices(op, 'keep', keep);
    let last = -1;
    for (let i = 0; i < keep.length; i++) {
      const row = keep[i];
      if (row <= last || row >= rowsIn) throw badIndex(op, 'keep', i, keep, rowsIn, 'strictly ascending');
      last = row;
    }
    return { rows: keep.length, taken: keep, identity: keep.length === rowsIn };
  },
  explode: (op, rowsIn, out) => {
    const { parent } = out as OutputByRows['explode'];
    wantIndices(op, 'parent', parent);
    let last = 0;
    let same = parent.length === rowsIn;
    for (let i = 0; i < parent.length; i++) {
      const row = parent[i];
      if (row < last || row >= rowsIn) throw badIndex(op, 'parent', i, parent, rowsIn, 'ascending');
      if (row !== i) same = false;
      last = row;
    }
    return { rows: parent.length, taken: parent, identity: same };
  },
  group: (op, rowsIn, out) => {
    const { starts } = out as OutputByRows['group'];
    wantIndices(op, 'starts', starts);
    const groups = starts.length - 1;
    if (groups < 0 || starts[0] !== 0 || starts[groups] !== rowsIn)
      throw new Error(
        `operator ${op} returned starts from ${starts[0]} to ${starts[groups]}; wanted from 0 to ${rowsIn}, the rows it got`,
      );
    for (let g = 0; g < groups; g++) {
      if (starts[g + 1] <= starts[g])
        throw badIndex(op, 'starts', g + 1, starts, rowsIn, 'strictly ascending');
    }
    return { rows: groups, taken: starts.subarray(0, groups), identity: groups === rowsIn };
  },
};

function wantIndices(op: string, name: string, value: unknown): asserts value is Int32Array {
  if (!(value instanceof Int32Array))
    throw new Error(`operator ${op} returned no ${name}: wanted an Int32Array of row indices`);
}

const badIndex = (
  op: string,
  name: string,
  i: number,
  values: Int32Array,
  rowsIn: number,
  order: string,
): Error =>
  new Error(
    `operator ${op} returned ${name}[${i}] = ${values[i]}${i > 0 ? ` after ${values[i - 1]}` : ''}; wanted row indices of 0 to ${rowsIn - 1}, ${order}`,
  );

/** A batch of just the columns given (joins declare all of theirs), checked against the declaration. */
export function columnsToBatch(
  op: string,
  declared: Columns,
  schema: Schema,
  columns: OutputColumns,
): RecordBatch {
  for (const name in columns) {
    if (!Object.hasOwn(declared, name))
      throw new Error(`operator ${op} returned column ${name}, which it does not declare`);
  }
  const first = Object.keys(declared)[0];
  const rows = first === undefined ? 0 : (columns[first]?.length ?? 0);
  const datas = Object.entries(declared).map(([name, { type }]) =>
    checked(op, { name, type }, columns[name], rows),
  );
  return batchOf(schema, rows, datas);
}
