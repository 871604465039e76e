import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, jsonOf, millrace, project, STACK, spawned } from './millrace.ts';

interface RunJson {
  status: string;
  steps: { id: string; op: string; rowsIn: number; rowsOut: number }[];
  reports: Record<string, { questions: number; metrics: Record<string, number> }>;
  plots: Record<string, string>;
  rows: Record<string, Record<string, unknown>[]>;
  sweep: { label: string; values: Record<string, unknown>; metrics: Record<string, number> }[];
}

describe('check, explain and graph', () => {
  const here = project();

  it('say that a pipeline is fine', async () => {
    const { code, stdout } = await millrace(here, 'check', 'split');
    expect([code, stdout]).toEqual([0, 'ok  split: 3 steps, no problems\n']);
  });

  it('tell all problems at once, with the place in the file, and exit code 1', async () => {
    const { code, stdout, stderr } = await millrace(here, 'check', 'broken');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('pipelines/broken.yaml:4');
    expect(stderr).toContain('did you mean "split.passages"?');
    expect(stderr).toContain('with.pth');
    expect(stderr).not.toMatch(STACK);
  });

  it('tell the same to programs', async () => {
    const outcome = await millrace(here, 'check', 'broken', '--json');
    const { ok, problems } = jsonOf<{ ok: boolean; problems: { code: string; line: number }[] }>(outcome);
    expect([outcome.code, ok]).toEqual([1, false]);
    expect(problems.map(p => p.code)).toEqual(
      expect.arrayContaining(['unknown-operator', 'unknown-parameter']),
    );
    expect(problems.map(p => p.line)).toEqual(expect.arrayContaining([4, 5]));
  });

  it('take --set into account, and refuse one that leads nowhere as a wrong command', async () => {
    const [wrongValue, wrongStep] = await Promise.all([
      millrace(here, 'check', 'split', '--set', 'steps.split.with.words=0'),
      millrace(here, 'check', 'split', '--set', 'steps.splt.with.words=5'),
    ]);
    expect(wrongValue.code).toBe(1);
    expect(wrongValue.stderr).toContain('with.words');
    expect(wrongStep.code).toBe(2);
    expect(wrongStep.stderr).toContain('did you mean "split"?');
  });

  it('explain and draw the plan', async () => {
    const [text, json, mermaid, dot] = await Promise.all([
      millrace(here, 'explain', 'split'),
      millrace(here, 'explain', 'split', '--json', '--set', 'memory=512 MiB'),
      millrace(here, 'graph', 'split'),
      millrace(here, 'graph', 'split', '-f', 'dot'),
    ]);
    expect(text.stdout).toMatch(/^split {2}split\.passages/m);
    const plan = jsonOf<{
      memory: number;
      pipeline: string;
      flows: { flow: string; steps: { id: string }[] }[];
    }>(json);
    expect(plan.memory).toBe(512 * 2 ** 20);
    expect([plan.pipeline, plan.flows[0].flow]).toEqual(['split', 'docs']);
    expect(plan.flows[0].steps.map(s => s.id)).toEqual(['docs', 'split', 'out']);
    expect(mermaid.stdout).toMatch(/^flowchart TD/);
    expect(dot.stdout).toMatch(/^digraph/);
  });
});

describe('run', () => {
  const here = project();

  it('writes what the pipeline says, data on stdout and the summary on stderr', async () => {
    const { code, stdout, stderr } = await spawned(here, 'run', 'split', '--show', '1');
    expect(code).toBe(0);
    const units = readFileSync(join(here, 'out/units.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(l => JSON.parse(l));
    // 12, 9 and 9 words in passages of four
    expect(units.map(u => u.unit_id)).toEqual([
      '1#0',
      '1#1',
      '1#2',
      '2#0',
      '2#1',
      '2#2',
      '3#0',
      '3#1',
      '3#2',
    ]);
    expect(stdout).toContain('split: first 1 row');
    expect(stdout).toContain('Seoul is the capital');
    expect(stderr).toMatch(/^split {2}done after/);
    expect(stderr).toMatch(/split\.passages +3 +9/);
    expect(stderr).not.toContain('\u001b');
  });

  it('stops after a step and reads a few rows only', async () => {
    const outcome = await millrace(
      here,
      'run',
      'split',
      '--stop-after',
      'split',
      '--limit',
      '1',
      '--show',
      '2',
      '--json',
    );
    const { steps, rows, status } = jsonOf<RunJson>(outcome);
    expect([outcome.code, status]).toEqual([0, 'ok']);
    expect(steps.map(s => [s.id, s.rowsOut])).toEqual([
      ['docs', 1],
      ['split', 3],
    ]);
    expect(rows.split.map(r => r.text)).toEqual(['Seoul is the capital', 'of Korea and lies']);
  });

  it('indexes, searches and measures in one file, and puts plots where it says', async () => {
    const outcome = await millrace(here, 'run', 'answer', '--json');
    expect(outcome.code, outcome.stderr).toBe(0);
    const { reports, plots } = jsonOf<RunJson>(outcome);
    // q3 names another document as gold than the one that answers it
    expect(reports.retrieval.questions).toBe(3);
    expect(reports.retrieval.metrics['gold@1']).toBeCloseTo(2 / 3, 10);
    expect(reports.retrieval.metrics['answer@1']).toBe(1);
    expect(Object.keys(plots).length).toBeGreaterThan(0);
    for (const path of Object.values(plots)) expect(readFileSync(join(here, path), 'utf8')).toMatch(/^<svg/);
  });

  it('fails with the step, what was found and how to go on', async () => {
    writeFileSync(join(here, 'bad.jsonl'), `${JSON.stringify(DOCUMENTS[0])}\n{"id": 2, "text": \n`);
    const { code, stderr } = await millrace(here, 'run', 'split', '--set', 'steps.docs.with.path=bad.jsonl');
    expect(code).toBe(1);
    expect(stderr).toContain('step "docs"');
    expect(stderr).toContain('bad.jsonl:2');
    expect(stderr).toContain('nothing was published');
    expect(stderr).toContain(
      'bad.jsonl:2 fails again until that is mended, or put aside by onError: "dead-letter" of step "docs"',
    );
    expect(stderr).toContain('to go on: millrace run split --set steps.docs.with.path=bad.jsonl');
    expect(stderr).not.toMatch(STACK);
  });

  it('prints one JSON document where the pipeline has problems, too', async () => {
    const outcome = await millrace(here, 'run', 'broken', '--json');
    expect(outcome.code).toBe(1);
    expect(jsonOf(outcome)).toMatchObject({ pipeline: 'broken', status: 'failed' });
  });

  it('sweeps a value: one table, one plot', async () => {
    const outcome = await millrace(
      here,
      'run',
      'answer',
      '--sweep',
      'steps.hits.with.k=1,2',
      '--json',
      '--out',
      'plots',
    );
    expect(outcome.code, outcome.stderr).toBe(0);
    const { sweep, plots } = jsonOf<RunJson>(outcome);
    expect(sweep.map(s => s.values)).toEqual([{ 'steps.hits.with.k': 1 }, { 'steps.hits.with.k': 2 }]);
    for (const s of sweep) expect(s.metrics['answer@1']).toBe(1);
    expect(Object.values(plots)).toEqual(['plots/answer/sweep.svg']);
    expect(readFileSync(join(here, 'plots/answer/sweep.svg'), 'utf8')).toContain('hits.with.k');
    // what the sweep does not touch is left as it is
    const { stdout } = await millrace(here, 'plan', 'answer');
    expect(stdout).toContain('docs: nothing to do');
  });
});

describe('test', () => {
  it('checks, runs examples and a sample, and leaves nothing behind', async () => {
    const here = project();
    const outcome = await millrace(here, 'test', 'answer', '--json', '--limit', '2');
    expect(outcome.code, outcome.stderr).toBe(0);
    const found = jsonOf<{ ok: boolean; examples: { op: string; ok: boolean }[]; sample: RunJson }>(outcome);
    expect(found.ok).toBe(true);
    expect(new Set(found.examples.map(e => e.op))).toContain('search.sparse');
    expect(found.examples.every(e => e.ok)).toBe(true);
    expect(found.sample.steps.map(s => [s.id, s.rowsOut]).slice(0, 2)).toEqual([
      ['docs', 2],
      ['index', 2],
    ]);
    expect(readdirSync(here).sort()).toEqual(['docs.jsonl', 'pipelines', 'questions.jsonl']);
  });

  it('fails where the sample run does', async () => {
    const here = project();
    writeFileSync(join(here, 'docs.jsonl'), '{"id": 1, "text": "a b"}\n{"id": 2\n');
    const { code, stdout } = await millrace(here, 'test', 'split');
    expect(code).toBe(1);
    expect(stdout).toContain('docs.jsonl:2');
    expect(existsSync(join(here, 'out'))).toBe(false);
  });
});
