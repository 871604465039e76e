/** Columns of weighted terms: an object as JSON text, or a list of terms beside a list of weights. */
import { DataType, type RecordBatch } from 'apache-arrow';
import { type Column, columnData, isNull, typeName, Utf8View, valueAt } from '../../src/arrow/index.ts';
import { UserError } from '../../src/define/index.ts';
import type { WeightsColumn } from '../../src/retrieval/sparse/index.ts';

/** Where weighted terms stand: `column` holds objects, or terms whose weights are in the column `weights`. */
export interface WeightedTerms {
  readonly column: string;
  readonly weights?: string;
}

const isNumbers = (type: DataType): boolean =>
  DataType.isList(type) &&
  (DataType.isFloat(type.children[0].type) ||
    (DataType.isInt(type.children[0].type) && type.children[0].type.bitWidth < 64));

/** @throws UserError where the columns are of types that hold no weighted terms. */
export function checkWeightedTerms(
  where: string,
  at: WeightedTerms,
  columns: Readonly<Record<string, Column>>,
): void {
  const wrong = (name: string, wanted: string): never => {
    throw new UserError(`${where}: column "${name}" is ${typeName(columns[name].type)}, wanted ${wanted}`);
  };
  const { type } = columns[at.column];
  if (at.weights === undefined) {
    if (!DataType.isUtf8(type))
      wrong(
        at.column,
        'Utf8: objects such as {"term": 1.5} as JSON text; name a list of weights in "weights"',
      );
    return;
  }
  if (!DataType.isList(type) || !DataType.isUtf8(type.children[0].type)) wrong(at.column, 'List<Utf8>');
  if (!isNumbers(columns[at.weights].type)) wrong(at.weights, 'a list of numbers');
}

/** The weighted terms of row `i`; undefined for a null. @throws UserError where the row holds none. */
export function weightedTerms(
  batch: RecordBatch,
  at: WeightedTerms,
  i: number,
): [string, number][] | undefined {
  const data = columnData(batch, at.column);
  if (isNull(data, i)) return undefined;
  if (at.weights === undefined) return fromJson(new Utf8View(data).get(i), at.column);
  const terms = valueAt(data, i) as (string | null)[];
  const weights = (valueAt(columnData(batch, at.weights), i) ?? []) as (number | null)[];
  if (terms.length !== weights.length)
    throw new UserError(
      `column "${at.column}" has ${terms.length} terms and "${at.weights}" ${weights.length} weights`,
    );
  return terms.map((term, t): [string, number] => {
    const weight = weights[t];
    if (term === null || weight === null) throw new UserError(`column "${at.column}": item ${t} is null`);
    return [term, weight];
  });
}

function fromJson(text: string, column: string): [string, number][] {
  const wrong = (what: string): never => {
    throw new UserError(`column "${column}": ${what}, wanted an object such as {"term": 1.5}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    wrong('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('is no object');
  const entries = Object.entries(value as Record<string, unknown>);
  for (const [term, weight] of entries)
    if (typeof weight !== 'number') wrong(`${JSON.stringify(term)} is ${JSON.stringify(weight)}`);
  return entries as [string, number][];
}

/** A batch's weighted terms as an index takes them. */
export function weightsColumn(batch: RecordBatch, at: WeightedTerms): WeightsColumn {
  const { numRows } = batch;
  const offsets = new Int32Array(numRows + 1);
  const nulls = new Uint8Array(numRows);
  const terms: Uint8Array[] = [];
  const weights: number[] = [];
  for (let row = 0; row < numRows; row++) {
    const found = weightedTerms(batch, at, row);
    if (found === undefined) nulls[row] = 1;
    for (const [term, weight] of found ?? []) {
      terms.push(Buffer.from(term));
      weights.push(weight);
    }
    offsets[row + 1] = terms.length;
  }
  const ends = new Int32Array(terms.length + 1);
  terms.forEach((bytes, i) => {
    ends[i + 1] = ends[i] + bytes.length;
  });
  return {
    offsets,
    terms: { offsets: ends, bytes: new Uint8Array(Buffer.concat(terms)) },
    weights: Float64Array.from(weights),
    nulls,
  };
}
