import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jsonOf, millrace, project } from './millrace.ts';

interface Ran {
  steps: { id: string; rowsIn: number; added: number; kept: number }[];
  reports: Record<string, { questions: number }>;
  plots: Record<string, string>;
  sample: string;
}

const lines = (path: string): string[] => readFileSync(path, 'utf8').trim().split('\n');

it('--limit leaves what a whole run wrote, and what it remembers, and says where the sample is', async () => {
  const here = project();
  await millrace(here, 'run', 'split');
  const whole = readFileSync(join(here, 'out/units.jsonl'), 'utf8');
  const outcome = await millrace(here, 'run', 'split', '--limit', '1');
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stderr).toContain('a sample, written under .millrace/.sample/split');
  expect(readFileSync(join(here, 'out/units.jsonl'), 'utf8')).toBe(whole);
  // twelve words, four a passage
  expect(lines(join(here, '.millrace/.sample/split/out/units.jsonl'))).toHaveLength(3);
  const plan = jsonOf<{ flows: { mode: string }[] }>(await millrace(here, 'plan', 'split', '--json'));
  expect(plan.flows.map(f => f.mode)).toEqual(['nothing']);
});

it('an index of a sample is searched by the sample, and the whole one by --from', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'answer')).code).toBe(0);
  const before = readFileSync(join(here, 'out/hits.jsonl'), 'utf8');
  const sample = jsonOf<Ran>(await millrace(here, 'run', 'answer', '--limit', '1', '--json'));
  expect(sample.reports.retrieval.questions).toBe(1);
  expect(existsSync(join(sample.sample, 'indexes/docs'))).toBe(true);
  for (const path of Object.values(sample.plots)) expect(path).toContain('.millrace/.sample/answer');
  expect(readFileSync(join(here, 'out/hits.jsonl'), 'utf8')).toBe(before);
  // the only question is of document 2, which the sample's index does not have
  expect(readFileSync(join(sample.sample, 'out/hits.jsonl'), 'utf8')).not.toContain('Busan');
  await millrace(here, 'run', 'answer', '--from', 'questions', '--limit', '1');
  expect(readFileSync(join(sample.sample, 'out/hits.jsonl'), 'utf8')).toContain('Busan');
});

it('sinks of --stop-after get every row', async () => {
  const here = project();
  expect((await millrace(here, 'run', 'answer', '--stop-after', 'hits')).code).toBe(0);
  const found = jsonOf<{ hits: { doc_id: string }[] }>(
    await millrace(here, 'search', 'indexes/docs', 'apples', '--json'),
  );
  expect(JSON.stringify(found)).toContain('Daegu');
});
