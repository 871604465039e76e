/** Every registered operator gives in a worker thread, behind the engine, what it gives alone. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { concatBatches, copyBatch, decodeBatch, encodeBatch, rowsOf } from '../../src/arrow/index.ts';
import { type AnyStep, asEngine, type Example } from '../../src/define/index.ts';
import { check } from '../../src/plan/index.ts';
import { startRun } from '../../src/run/index.ts';
import { filesOf } from '../../src/testing/bytes.ts';
import { prepareExample } from '../../src/testing/examples.ts';
import { exampleInputs } from '../../src/testing/generic.ts';
import { inspectOperator } from '../../src/testing/index.ts';
import { guessKey } from '../../src/testing/step.ts';
import { operators } from './fixtures/registry.ts';

const registryUrl = new URL('./fixtures/registry.ts', import.meta.url).href;
const OUT = 'kept.arrow';

const inFolder = async <T>(work: (root: string) => Promise<T>): Promise<T> => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-worker-'));
  try {
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
};

/** Runs an example's step in a worker, between a source and a sink. */
async function inWorker(
  op: string,
  example: Example,
  inputs: readonly RecordBatch[],
  root: string,
  sink: boolean,
) {
  const sources: AnyStep[] = [];
  for (const [i, batch] of inputs.entries()) {
    await writeFile(join(root, `in-${i}.arrow`), new Uint8Array(encodeBatch(batch)));
    const key = [
      ...guessKey(
        Object.fromEntries(batch.schema.fields.map(f => [f.name, { type: f.type, nullable: true }])),
      ),
    ];
    sources.push({ id: `in${i}`, op: 'test.given', with: { path: `in-${i}.arrow`, key } });
  }
  const from = sources.length > 1 ? sources.map(s => s.id) : sources[0].id;
  // joins work where their inputs meet, on the main thread
  const shape = operators.find(o => o.name === op)?.shape;
  const where = shape === 'join' || shape === 'rx' ? 'main' : 'worker';
  const steps: AnyStep[] = [...sources, { id: 'tested', op, with: example.with, from, where }];
  if (!sink) steps.push({ id: 'kept', op: 'test.kept', with: { path: OUT } });
  const { plan, problems } = await check(
    { name: 'worker', memory: '512 MiB', steps },
    { operators, root, mode: 'run' },
  );
  if (!plan) throw new Error(problems.map(p => `${p.where}: ${p.message}`).join('\n'));
  const result = await startRun(plan, { registryUrl, stateFolder: join(root, '.state') }).result;
  if (result.status !== 'ok') throw new Error(result.error?.message);
  return result;
}

const cases = operators
  .filter(
    op => !op.name.startsWith('test.') && ['map', 'stream', 'join', 'sink'].includes(asEngine(op).shape),
  )
  .flatMap(op => op.examples.slice(0, 1).map(example => [op.name, op, example] as const));

describe('same result in a worker', () => {
  test.each(cases)(
    '%s',
    async (_, op, example) => {
      const sink = asEngine(op).shape === 'sink';
      const inputs = exampleInputs(example);
      const alone = await inFolder(async root => {
        await prepareExample(example, operators, root);
        const { batches, report } = await inspectOperator(op, { with: example.with, inputs, root });
        return { batches: batches.filter(b => b.numRows > 0), report, files: await filesOf(root) };
      });
      await inFolder(async root => {
        await prepareExample(example, operators, root);
        const result = await inWorker(op.name, example, inputs, root, sink);
        if (sink) {
          expect(result.reports.tested?.data).toEqual(alone.report?.data);
          expect(await filesOf(root)).toMatchObject(alone.files);
          return;
        }
        const bytes = await readFile(join(root, OUT));
        const wanted = alone.batches.length > 0 ? [copyBatch(concatBatches(alone.batches))] : [];
        const got = bytes.length > 0 ? decodeBatch(bytes) : undefined;
        expect(got ? rowsOf(got) : []).toEqual(wanted.flatMap(rowsOf));
        if (got)
          expect(Buffer.from(encodeBatch(copyBatch(got))).equals(Buffer.from(encodeBatch(wanted[0])))).toBe(
            true,
          );
      });
    },
    120_000,
  );
});
