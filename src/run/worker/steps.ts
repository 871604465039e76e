/** A planned step as plain data, and back: Arrow types travel as the schema of an empty batch. */
import { RecordBatchReader } from 'apache-arrow';
import { type Columns, columnsOf, emptyBatch, encodeBatch, schemaOf, weighing } from '../../arrow/index.ts';
import type { EngineOperator, Params } from '../../define/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { WorkerStep } from './protocol.ts';

interface Flat extends Omit<PlannedStep, 'op' | 'params' | 'inputs' | 'output' | 'outputSchema'> {
  readonly wireInputs: readonly WireColumns[];
  readonly wireOutput: WireColumns;
}
interface WireColumns {
  readonly ipc: string;
  readonly nullable: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
}

const flatten = (columns: Columns): WireColumns => ({
  ipc: Buffer.from(encodeBatch(emptyBatch(columns))).toString('base64'),
  nullable: Object.entries(columns).flatMap(([name, c]) => (c.nullable ? [name] : [])),
  weights: Object.fromEntries(
    Object.entries(columns).flatMap(([name, c]) => (c.weight === undefined ? [] : [[name, c.weight]])),
  ),
});

function revive({ ipc, nullable, weights }: WireColumns): Columns {
  const reader = RecordBatchReader.from(new Uint8Array(Buffer.from(ipc, 'base64')));
  reader.open();
  const yes = new Set(nullable);
  return Object.fromEntries(
    Object.entries(columnsOf(reader.schema)).map(([name, c]) => [
      name,
      weighing({ ...c, nullable: yes.has(name) }, weights[name]),
    ]),
  );
}

/** A step for a worker. */
export function wireStep(step: PlannedStep): WorkerStep {
  const { op, params, inputs, output, outputSchema: _, ...rest } = step;
  const flat: Flat = { ...rest, wireInputs: inputs.map(flatten), wireOutput: flatten(output) };
  return { id: step.id, op: op.name, params, planned: JSON.stringify(flat) };
}

/** The step again, on the worker's side. */
export function reviveStep(wire: WorkerStep, op: EngineOperator, params: Params): PlannedStep {
  const { wireInputs, wireOutput, ...rest } = JSON.parse(wire.planned) as Flat;
  const output = revive(wireOutput);
  return { ...rest, op, params, inputs: wireInputs.map(revive), output, outputSchema: schemaOf(output) };
}
