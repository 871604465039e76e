import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jsonOf, millrace, project } from './millrace.ts';

it('each pipeline has its own state, whatever its name, and none is the cache', async () => {
  const here = project();
  const names = ['a b', 'a_b', 'a%20b', 'a:b', 'cache', '서울'];
  const split = readFileSync(join(here, 'pipelines/split.yaml'), 'utf8');
  const mode = async (i: number): Promise<string> => {
    const plan = await millrace(here, 'plan', `pipelines/p${i}.yaml`, '--json');
    return jsonOf<{ flows: { mode: string }[] }>(plan).flows[0].mode;
  };
  for (const [i, name] of names.entries()) {
    const text = split.replace('name: split', `name: '${name}'`).replace('units.jsonl', `${i}.jsonl`);
    writeFileSync(join(here, `pipelines/p${i}.yaml`), text);
    expect(await mode(i)).toBe('full');
    expect((await millrace(here, 'run', `pipelines/p${i}.yaml`)).code).toBe(0);
  }
  for (const i of names.keys()) expect(await mode(i)).toBe('nothing');
  const info = await millrace(here, 'state', 'info', '--json');
  const { pipelines } = jsonOf<{ pipelines: { pipeline: string; ledger: number }[] }>(info);
  expect(pipelines.map(p => p.pipeline).sort()).toEqual([...names].sort());
  for (const p of pipelines) expect(p.ledger).toBeGreaterThan(0);
});
