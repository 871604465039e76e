import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AnyOperator, Pipeline } from '../../src/define/index.ts';
import { canonicalJson, check, hashAsset, type PlannedStep } from '../../src/plan/index.ts';
import { operators, split } from './operators.ts';
import { indexWiki, withStep } from './pipelines.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-print-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function steps(
  definition: Pipeline,
  ops: readonly AnyOperator[] = operators,
): Promise<Record<string, PlannedStep>> {
  const { plan, problems } = await check(definition, { operators: ops, root: folder });
  expect(problems).toEqual([]);
  return Object.fromEntries(plan!.flows.flatMap(f => f.steps.map(s => [s.id, s])));
}

const encodeWith = (p: object) => withStep(indexWiki(), 'encode', { with: { model: 'm', ...p } });

describe('fingerprints', () => {
  it('are the sha256 of canonical JSON', async () => {
    const { split: s } = await steps(indexWiki());
    const text =
      '{"assets":[],"name":"split.passages","params":{"large":false,"stride":0,"words":100},"version":1}';
    const hex = createHash('sha256').update(text).digest('hex');
    expect(s.rowFingerprint).toBe(hex);
  });

  it('change with a parameter, a default written out does not', async () => {
    const a = await steps(indexWiki());
    const b = await steps(withStep(indexWiki(), 'split', { with: { words: 99 } }));
    const c = await steps(withStep(indexWiki(), 'split', { with: { stride: 0, words: 100 } }));
    const d = await steps(withStep(indexWiki(), 'split', { with: undefined }));
    expect(b.split.rowFingerprint).not.toBe(a.split.rowFingerprint);
    expect(c.split.rowFingerprint).toBe(a.split.rowFingerprint);
    expect(d.split.rowFingerprint).toBe(a.split.rowFingerprint);
    // What comes after is the same for a row, and another for the step as a whole.
    expect(b.sparse.rowFingerprint).toBe(a.sparse.rowFingerprint);
    expect(b.sparse.fingerprint).not.toBe(a.sparse.fingerprint);
    expect(b.docs.fingerprint).toBe(a.docs.fingerprint);
  });

  it('do not change with places, secrets, or how a step runs', async () => {
    const a = await steps(encodeWith({ token: 'x' }));
    const b = await steps(encodeWith({ token: 'y' }));
    expect(b.encode.rowFingerprint).toBe(a.encode.rowFingerprint);
    const moved = withStep(withStep(encodeWith({}), 'docs', { with: { path: 'other' } }), 'sparse', {
      with: { path: 'elsewhere', analyzer: 'korean' },
    });
    const run = withStep(moved, 'split', {
      parallel: 1,
      where: 'main',
      memory: '64 MiB',
      onError: 'skip',
      batch: { rows: 3 },
    });
    const c = await steps({ ...run, memory: '3 GiB', name: 'other' });
    for (const id of Object.keys(a)) expect([id, c[id].fingerprint]).toEqual([id, a[id].fingerprint]);
  });

  it('do not depend on the order of keys', async () => {
    const p = (similarity: object) => ({
      name: 'p',
      steps: [
        { id: 'q', op: 'read.squad', with: { path: 'a' } },
        { id: 's', op: 'search.sparse', with: { index: 'i', k: 5, similarity } },
        { id: 'o', op: 'write.jsonl', with: { path: 'o' } },
      ],
    });
    const a = await steps(p({ name: 'lucene', k1: 1.2, b: 0.7 }));
    const b = await steps(p({ b: 0.7, k1: 1.2, name: 'lucene' }));
    expect(b.s.rowFingerprint).toBe(a.s.rowFingerprint);
    expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[1,{"d":1}]}');
  });

  it('change with the version', async () => {
    const newer = operators.map(op =>
      op === split ? { ...op, version: 2 } : op,
    ) as unknown as AnyOperator[];
    const a = await steps(indexWiki());
    const b = await steps(indexWiki(), newer);
    expect(b.split.rowFingerprint).not.toBe(a.split.rowFingerprint);
  });

  it('change with the bytes of an asset, not with its place', async () => {
    writeFileSync(join(folder, 'stop-1.txt'), 'the a');
    writeFileSync(join(folder, 'stop-2.txt'), 'the a');
    writeFileSync(join(folder, 'stop-3.txt'), 'the an');
    const [a, b, c, none] = await Promise.all(
      [{ asset: 'stop-1.txt' }, { asset: 'stop-2.txt' }, { asset: 'stop-3.txt' }, {}].map(p =>
        steps(encodeWith(p)),
      ),
    );
    expect(b.encode.rowFingerprint).toBe(a.encode.rowFingerprint);
    expect(c.encode.rowFingerprint).not.toBe(a.encode.rowFingerprint);
    expect(none.encode.rowFingerprint).not.toBe(a.encode.rowFingerprint);
  });

  it('see a change of a file in a folder, and a file that was rewritten', async () => {
    const model = join(folder, 'model');
    mkdirSync(join(model, 'sub'), { recursive: true });
    writeFileSync(join(model, 'sub', 'a.bin'), 'one');
    const before = await hashAsset(model);
    expect(await hashAsset(model)).toBe(before);
    writeFileSync(join(model, 'sub', 'a.bin'), 'other');
    expect(await hashAsset(model)).not.toBe(before);
    const sha = createHash('sha256').update('other').digest('hex');
    expect(await hashAsset(join(model, 'sub', 'a.bin'))).toBe(sha);
  });
});
