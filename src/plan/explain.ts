/** A plan for people: what runs, in which order, over which columns, in how much memory. */
import { formatTime, type Json } from '../define/index.ts';
import { columnText } from './columns.ts';
import { pathText, size, some } from './describe.ts';
import { parts } from './memory.ts';
import { markedValues } from './schema.ts';
import type { Flow, Plan, PlannedStep } from './types.ts';

/** One step of an explanation. Plain JSON. */
export interface ExplainedStep {
  readonly id: string;
  readonly op: string;
  readonly shape: string;
  readonly from: readonly string[];
  readonly after: readonly string[];
  /** Parameters, defaults filled in; secrets are left out. */
  readonly with: Json;
  /** Name and type of every column of each input, and of the output. */
  readonly inputs: readonly Readonly<Record<string, string>>[];
  readonly output: Readonly<Record<string, string>>;
  readonly key: readonly string[];
  readonly where: 'main' | 'worker';
  readonly parallel: number;
  readonly order: 'keep' | 'free';
  readonly onError: 'fail' | 'dead-letter' | 'skip';
  readonly batch?: { rows?: number; bytes?: number; tokens?: number; lingerMs: number };
  readonly batchBy: readonly string[];
  /** Bytes of one instance, fixed bytes included, and how many instances there are. */
  readonly memory: number;
  readonly fixedBytes: number;
  readonly instances: number;
  /** Bytes of the channel from each input. */
  readonly channels: readonly number[];
  readonly fingerprint: string;
  readonly limit?: number;
}

export interface Explanation {
  readonly data: {
    readonly pipeline: string;
    readonly root: string;
    readonly memory: number;
    readonly flows: readonly { readonly flow: string; readonly steps: readonly ExplainedStep[] }[];
  };
  readonly text: string;
}

/** Says how a plan would run. */
export function explain(plan: Plan): Explanation {
  const flows = plan.flows.map(flow => flow.steps.map(step => explainStep(step, flow)));
  const { name, root, memory } = plan;
  const named = flows.map(steps => ({ flow: (steps.find(s => s.shape === 'source') ?? steps[0]).id, steps }));
  return { data: { pipeline: name, root, memory, flows: named }, text: explainText(plan, flows) };
}

function explainStep(step: PlannedStep, flow: Flow): ExplainedStep {
  const types = (columns: PlannedStep['output']): Record<string, string> =>
    Object.fromEntries(
      Object.entries(columns).map(([name, c]) => [name, `${c.type}${c.nullable ? '?' : ''}`]),
    );
  return {
    id: step.id,
    op: step.op.name,
    shape: step.op.shape,
    from: step.from,
    after: step.after ?? [],
    with: shownParams(step),
    inputs: step.inputs.map(types),
    output: types(step.output),
    key: step.key,
    where: step.where,
    parallel: step.parallel,
    order: step.order,
    onError: step.onError,
    ...(step.batch && { batch: step.batch }),
    batchBy: step.batchBy,
    memory: step.memory,
    fixedBytes: step.fixedBytes,
    instances: parts({ ...step, shape: step.op.shape }),
    channels: flow.edges.filter(e => e.to === step.id).map(e => e.bytes),
    fingerprint: step.fingerprint,
    ...(step.limit !== undefined && { limit: step.limit }),
  };
}

/** The parameters without secrets. */
function shownParams(step: PlannedStep): Json {
  const copy = structuredClone(step.params) as Record<string, unknown>;
  for (const { path, mark } of markedValues(step.op.params, step.params)) {
    if (!mark.secret) continue;
    const holder = path
      .slice(0, -1)
      .reduce<unknown>((at, p) => (at as Record<string | number, unknown>)[p], copy);
    (holder as Record<string | number, unknown>)[path[path.length - 1]] = '(secret)';
  }
  return copy as Json;
}

function explainText(plan: Plan, flows: readonly (readonly ExplainedStep[])[]): string {
  const many = flows.length > 1 ? `, ${flows.length} flows one after the other` : '';
  const lines = [`${plan.name}: ${size(plan.memory)} of memory${many}`];
  flows.forEach((steps, f) => {
    lines.push('');
    if (flows.length > 1) {
      const waits = [...new Set(steps.flatMap(s => s.after))];
      lines.push(`flow ${f + 1}${waits.length > 0 ? `, after ${waits.join(', ')}` : ''}`);
    }
    steps.forEach((step, i) => {
      lines.push(...stepLines(step, plan.flows[f].steps[i]));
    });
  });
  return lines.join('\n');
}

function stepLines(step: ExplainedStep, planned: PlannedStep): string[] {
  const line = (what: string, text: string): string => `  ${what.padEnd(8)} ${text}`;
  const lines = [`${step.id}  ${step.op}`];
  const params = Object.entries(step.with as Record<string, Json>).filter(([, v]) => v !== undefined);
  if (params.length > 0) {
    lines.push(
      line(
        'with',
        some(
          params.map(([k, v]) => `${k} ${shownValue(v)}`),
          20,
        ),
      ),
    );
  }
  step.from.forEach((from, i) => {
    lines.push(line(i === 0 ? 'from' : '', `${from}, channel of ${size(step.channels[i])}`));
  });
  planned.inputs.forEach((input, i) => {
    const what = i === 0 ? 'reads' : '';
    const reads = 'reads' in planned.op ? Object.keys(planned.op.reads(planned.params, i)) : [];
    if (reads.length > 0) lines.push(line(what, columnsText(input, reads)));
  });
  const names = Object.keys(planned.output);
  if (names.length > 0) lines.push(line('gives', columnsText(planned.output, names)));
  if (step.key.length > 0) lines.push(line('key', step.key.join(', ')));
  lines.push(line('runs', runText(step)));
  lines.push(line('memory', memoryText(step)));
  lines.push(line('print', step.fingerprint.slice(0, 12)));
  return lines;
}

/** Plain words as they are, everything else as JSON. */
const shownValue = (v: Json): string =>
  typeof v === 'string' && /^[^\s",]+$/.test(v) ? v : JSON.stringify(v);

const columnsText = (columns: PlannedStep['output'], names: readonly string[]): string =>
  some(
    names.filter(n => Object.hasOwn(columns, n)).map(n => columnText(n, columns[n])),
    30,
  );

function runText(step: ExplainedStep): string {
  const parts = [
    step.where === 'worker' ? (step.parallel > 1 ? `${step.parallel} workers` : 'a worker') : 'main thread',
  ];
  if (step.where === 'main' && step.parallel > 1) parts.push(`${step.parallel} batches at once`);
  if (step.batch) {
    const { rows, bytes, tokens, lingerMs } = step.batch;
    const sizes = [
      rows === undefined ? '' : `${rows} rows`,
      bytes === undefined ? '' : size(bytes),
      tokens === undefined ? '' : `${tokens} tokens`,
    ].filter(Boolean);
    parts.push(`batches${sizes.length > 0 ? ` of ${sizes.join(', ')}` : ''} within ${formatTime(lingerMs)}`);
  }
  if (step.batchBy.length > 0)
    parts.push(`rows of one ${step.batchBy.map(n => pathText([n])).join(', ')} together`);
  if (step.order === 'free') parts.push('in any order');
  if (step.onError !== 'fail')
    parts.push(step.onError === 'skip' ? 'wrong rows skipped' : 'wrong rows to dead letters');
  if (step.limit !== undefined) parts.push(`${step.limit} rows at most`);
  return parts.join(', ');
}

function memoryText(step: ExplainedStep): string {
  const what = step.where === 'worker' ? 'workers' : 'instances';
  const each = step.instances > 1 ? ` in each of ${step.instances} ${what}` : '';
  const fixed = step.fixedBytes > 0 ? `, ${size(step.fixedBytes)} of it fixed` : '';
  return `${size(step.memory)}${each}${fixed}`;
}
