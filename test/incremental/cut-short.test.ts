/** Runs that end between the commit record and the end of publishing: what they leave, and how the next run goes on. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, type Outcome, start } from '../cli/millrace.ts';

const docs = (...texts: string[]): string =>
  jsonl(texts.map((text, i) => ({ id: `d${i}`, title: '', text })));
const project = (where = 'main'): string =>
  folderWith({
    'docs.jsonl': docs('one', 'two', 'three'),
    'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: out/index }, where: ${where} }
`,
  });
const run = (folder: string, fault = '', ...more: string[]): Promise<Outcome> =>
  start(folder, ['run', 'p.yaml', '--json', ...more], { MILLRACE_FAULT: fault }).ended;
interface Told {
  readonly steps: readonly Record<string, number | string>[];
}
const counts = (outcome: Outcome): unknown => {
  const { added, changed, deleted, kept } = jsonOf<Told>(outcome).steps[0];
  return { added, changed, deleted, kept };
};
const journalOf = (folder: string): string => {
  const state = join(folder, '.millrace', 'p');
  return join(state, readdirSync(state).find(n => n.startsWith('journal-')) ?? 'no journal');
};
const found = async (folder: string): Promise<string[]> => {
  const { ended } = start(folder, ['search', 'out/index', 'one two three four', '--json']);
  return jsonOf<{ hits: { doc_id: string }[] }>(await ended).hits.map(h => h.doc_id);
};

describe('a run killed after its commit record', () => {
  it.each(['main', 'worker'])(
    'is finished by the next, which then does only what changed (%s)',
    async where => {
      const folder = project(where);
      expect((await run(folder, 'after-record')).code).toBeNull();
      writeFileSync(join(folder, 'docs.jsonl'), docs('one', 'two', 'four', 'four'));
      expect(counts(await run(folder))).toEqual({ added: 1, changed: 1, deleted: 0, kept: 2 });
      expect((await found(folder)).sort()).toEqual(['d0', 'd1', 'd2', 'd3']);
    },
  );

  it.each(['lost', 'cut off'])(
    'whose journal is %s has the next run do everything',
    async how => {
      const folder = project();
      await run(folder);
      writeFileSync(join(folder, 'docs.jsonl'), docs('one', 'four'));
      expect((await run(folder, 'after-record')).code).toBeNull();
      if (how === 'lost') rmSync(journalOf(folder));
      else truncateSync(journalOf(folder), 30);
      const next = await run(folder);
      expect(next.code).toBe(0);
      expect(counts(next)).toMatchObject({ added: 2, kept: 0 });
      expect((await found(folder)).sort()).toEqual(['d0', 'd1']);
      if (how === 'cut off') expect(next.stderr).toContain('the next run does everything anew');
      expect(counts(await run(folder))).toMatchObject({ added: 0, kept: 2 });
    },
    60_000,
  );
});

describe('a run killed after a commit in its middle', () => {
  const many = (n: number): string => docs(...Array.from({ length: n }, (_, i) => `one word${i}`));
  it('leaves what was published, and the next goes on from there', async () => {
    const folder = project();
    await run(folder);
    // the analyzer changes, so the index begins from nothing; what was published stays until the run is over
    writeFileSync(join(folder, 'docs.jsonl'), many(300));
    const more = ['--set', 'steps.index.with.analyzer=standard', '--commit-every', '100'];
    expect((await run(folder, 'after-record-interim', ...more)).code).toBeNull();
    expect((await found(folder)).sort()).toEqual(['d0', 'd1', 'd2']);
    const next = await run(folder, '', ...more);
    expect(next.code).toBe(0);
    expect(jsonOf<Told>(next).steps[1]).toMatchObject({ added: 0, kept: 0 });
    const { ended } = start(folder, ['index', 'verify', 'out/index', '--json']);
    expect(jsonOf<{ ok: boolean }>(await ended).ok).toBe(true);
    const search = start(folder, ['search', 'out/index', 'word299', '--json']);
    expect(jsonOf<{ hits: unknown[] }>(await search.ended).hits).toHaveLength(1);
  }, 60_000);
});

it('a run that cannot publish says that it is committed, and the next one publishes', async () => {
  const folder = project();
  const yaml = join(folder, 'p.yaml');
  writeFileSync(
    yaml,
    `${readFileSync(yaml, 'utf8')}  - { id: file, op: write.jsonl, from: docs, with: { path: out/docs.jsonl } }\n`,
  );
  await run(folder);
  writeFileSync(join(folder, 'docs.jsonl'), docs('one', 'four'));
  const failed = await run(folder, 'after-publish!');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain(
    'committed, but not published yet: "index", "file"; the next run publishes',
  );
  const next = await run(folder);
  expect(next.code).toBe(0);
  expect(counts(next)).toMatchObject({ added: 0, changed: 0, deleted: 0 });
  expect((await found(folder)).sort()).toEqual(['d0', 'd1']);
  expect(readFileSync(join(folder, 'out/docs.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2);
});
