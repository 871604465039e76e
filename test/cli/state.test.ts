import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DOCUMENTS, jsonl, jsonOf, millrace, project, STACK } from './millrace.ts';

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

it('info counts samples; gc forgets pipelines that are named, and samples where it is asked to', async () => {
  const here = project();
  await millrace(here, 'run', 'split');
  await millrace(here, 'run', 'split', '--limit', '1');
  const info = async () =>
    jsonOf<{ pipelines: { pipeline: string; ledger: number; sample: number }[] }>(
      await millrace(here, 'state', 'info', '--json'),
    ).pipelines;
  const [before] = await info();
  expect(before.sample).toBeGreaterThan(0);
  expect((await millrace(here, 'state', 'gc')).code).toBe(0);
  expect(await info()).toEqual([before]);
  const gc = await millrace(here, 'state', 'gc', '--samples');
  expect(gc.stdout).toContain('sample of pipeline "split" removed');
  expect(await info()).toEqual([{ ...before, sample: 0 }]);
  const wrong = await millrace(here, 'state', 'gc', '--pipeline', 'splitt');
  expect(wrong.stderr).toContain('there is no state of a pipeline "splitt"');
  expect((await millrace(here, 'state', 'gc', '--pipeline', 'split')).stdout).toContain('"split" removed');
  expect(await info()).toEqual([]);
  expect(readFileSync(join(here, 'out/units.jsonl'), 'utf8')).not.toBe('');
});

describe('state that cannot be written', () => {
  afterEach(() => void vi.unstubAllEnvs());
  const BAD = `${jsonl(DOCUMENTS)}{"id": 4\n`;
  const letters = ['--set', 'steps.docs.onError=dead-letter'];

  it.each([
    ['journal', 'journal-'],
    ['record', 'commit.json'],
    ['ledger', 'ledger'],
    ['dead-letters', 'dead-letters'],
  ])('because the disk is full (%s) is told as that, and no step is blamed', async (point, file) => {
    const here = project();
    writeFileSync(join(here, 'docs.jsonl'), BAD);
    vi.stubEnv('MILLRACE_FAULT', `${point}!`);
    const { code, stderr } = await millrace(here, 'run', 'split', ...letters);
    expect(code).toBe(1);
    const error = stderr.split('\n').find(l => l.startsWith('error')) ?? '';
    expect(error).toContain(`error  the state of pipeline "split" in ${join(here, '.millrace/split', file)}`);
    expect(error).toMatch(/: the disk is full$/);
    expect(stderr).toContain('help: make room');
    expect(stderr).not.toContain('ENOSPC');
    expect(stderr).not.toMatch(STACK);
    vi.unstubAllEnvs();
    expect((await millrace(here, 'run', 'split', ...letters)).code).toBe(0);
  });

  it.each(['letters-gone', 'notes'])('after the commit (%s) is a warning: the run is done', async point => {
    const here = project();
    expect((await millrace(here, 'run', 'split')).code).toBe(0);
    writeFileSync(join(here, 'docs.jsonl'), jsonl(DOCUMENTS.slice(1)));
    vi.stubEnv('MILLRACE_FAULT', `${point}!`);
    const { code, stderr } = await millrace(here, 'run', 'split');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/warning .*committed, but .*: the disk is full/);
    expect(stderr).toMatch(/^split {2}done after/m);
    expect(readFileSync(join(here, 'out/units.jsonl'), 'utf8')).not.toContain('Seoul');
    vi.unstubAllEnvs();
    // nothing is lost, whatever was not noted
    writeFileSync(join(here, 'docs.jsonl'), jsonl(DOCUMENTS));
    expect((await millrace(here, 'run', 'split')).code).toBe(0);
    expect(readFileSync(join(here, 'out/units.jsonl'), 'utf8')).toContain('Seoul');
  });

  it('because something is in the way says what', async () => {
    const here = project();
    writeFileSync(join(here, '.millrace'), '');
    const { code, stderr } = await millrace(here, 'run', 'split');
    expect(code).toBe(1);
    expect(stderr).toContain(`the state of pipeline "split" in ${join(here, '.millrace')}`);
    expect(stderr).toContain('a part of the path is a file, wanted a folder');
    rmSync(join(here, '.millrace'));
    mkdirSync(join(here, '.millrace/split/commit.json'), { recursive: true });
    expect((await millrace(here, 'run', 'split')).stderr).toContain(
      'a folder is where a file of the state belongs',
    );
  });
});

it('a prepared file that is lost before it is published is told, and --full makes it anew', async () => {
  const here = project();
  await millrace(here, 'run', 'split');
  const record = join(here, '.millrace/split/commit.json');
  const file = JSON.parse(readFileSync(record, 'utf8'));
  // as a crash right after the switch leaves it, with the prepared file lost and an older one in its place
  file.flows.docs.published = false;
  writeFileSync(record, JSON.stringify(file));
  writeFileSync(join(here, 'out/units.jsonl'), 'old\n');
  const lost = await millrace(here, 'run', 'split');
  expect(lost.code).toBe(1);
  expect(lost.stderr).toMatch(/the prepared file .* is gone, and the file there is another one/);
  expect(lost.stderr).toContain('run again with --full');
  const full = await millrace(here, 'run', 'split', '--full');
  expect(full.code, full.stderr).toBe(0);
  expect(readFileSync(join(here, 'out/units.jsonl'), 'utf8').trim().split('\n')).toHaveLength(9);
  expect((await millrace(here, 'run', 'split')).code).toBe(0);
});

it('a damaged commit record is told without a hint to run again; without it everything is done since it is gone', async () => {
  const here = project();
  await millrace(here, 'run', 'split');
  const record = join(here, '.millrace/split/commit.json');
  writeFileSync(record, 'x');
  const { code, stderr } = await millrace(here, 'run', 'split');
  expect([code, stderr]).toEqual([1, expect.stringContaining('restore it from a backup, or remove it')]);
  expect(stderr).not.toContain('to go on:');
  rmSync(record);
  expect((await millrace(here, 'plan', 'split')).stdout).toContain('since its commit record is gone');
});

it('while a run is at work, plan and another run name its process, and give no hint to run again', async () => {
  const here = project();
  const lock = join(here, '.millrace/split/lock');
  await millrace(here, 'run', 'split');
  const { takeLock } = await import('../../src/state/index.ts');
  const unlock = await takeLock(lock, 'it');
  const plan = await millrace(here, 'plan', 'split');
  expect(plan.code).toBe(1);
  expect(plan.stdout).toBe('');
  expect(plan.stderr).toMatch(
    new RegExp(`process ${process.pid} on .* is running pipeline "split"\n.*plan again`),
  );
  const run = await millrace(here, 'run', 'split');
  expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('is being written by process')]);
  expect(run.stderr).not.toContain('to go on:');
  await unlock();
  expect((await millrace(here, 'plan', 'split')).stdout).toContain('nothing to do');
});

it('a row that fails its step names the step whose onError puts it aside', async () => {
  const here = project();
  writeFileSync(join(here, 'docs.jsonl'), jsonl([{ id: 1, title: '', text: null }]));
  const { stderr } = await millrace(here, 'run', 'split');
  expect(stderr).toContain('onError: "dead-letter" of step "split" puts such rows aside');
});
