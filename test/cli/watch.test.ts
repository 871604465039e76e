import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { commandLine } from '../../src/cli/main.ts';
import { styleOf } from '../../src/cli/terminal.ts';
import { SparseIndex } from '../../src/retrieval/sparse/index.ts';
import { DOCUMENTS, folderWith, jsonl, millrace, project } from './millrace.ts';

/** Runs a command in this process; `line(i)` is the i-th line of stdout, once it is there. */
function running(cwd: string, ...args: string[]) {
  const lines: string[] = [];
  const told: string[] = [];
  const waiting = new Set<() => void>();
  const say = (to: string[]) => (text: string) => {
    to.push(...text.trimEnd().split('\n'));
    for (const look of waiting) look();
  };
  const style = styleOf(false);
  const out = say(lines);
  const err = say(told);
  const io: Io = {
    out,
    err,
    json: v => out(JSON.stringify(v, null, 2)),
    screen: { write: err },
    style,
    errStyle: style,
  };
  process.chdir(cwd);
  const ended = commandLine(args, io);
  const until = (is: () => boolean): Promise<void> =>
    new Promise(resolve => {
      const look = (): void => {
        if (!is()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const line = async (i: number): Promise<string> => {
    await until(() => lines.length > i);
    return lines[i];
  };
  return { ended, until, line, lines, told };
}

it('watch reads a changed pipeline again, says what is wrong with it, and gives a line of JSON a run', async () => {
  const here = project();
  const file = join(here, 'pipelines/split.yaml');
  const pipeline = (words: string, docs = 'docs.jsonl'): string => `name: split
steps:
  - { id: docs, op: read.jsonl, with: { path: ${docs} } }
  - { id: split, op: split.passages, with: { words: ${words} } }
  - { id: out, op: write.jsonl, with: { path: out/units.jsonl } }
`;
  writeFileSync(file, pipeline('4'));
  const watch = running(here, 'watch', 'split', '--json', '--quiet-ms', '50');
  const rowsOut = async (i: number): Promise<number> =>
    JSON.parse(await watch.line(i)).steps.find((s: { id: string }) => s.id === 'split').rowsOut;
  expect(await rowsOut(0)).toBe(9);
  writeFileSync(file, pipeline('12'));
  expect(await rowsOut(1)).toBe(3);
  writeFileSync(file, pipeline('none'));
  expect(JSON.parse(await watch.line(2))).toMatchObject({ pipeline: 'split', status: 'failed' });
  expect(watch.told.join('\n')).toContain('with.words');
  // other files are read, and watched, after that
  writeFileSync(join(here, 'more.jsonl'), jsonl(DOCUMENTS.slice(1)));
  writeFileSync(file, pipeline('12', 'more.jsonl'));
  expect(await rowsOut(3)).toBe(2);
  writeFileSync(join(here, 'more.jsonl'), jsonl(DOCUMENTS));
  expect(await rowsOut(4)).toBe(3);
  process.emit('SIGINT');
  expect(await watch.ended).toBe(0);
  for (const line of watch.lines) expect(JSON.parse(line)).toHaveProperty('status');
}, 60_000);

const PATTERN = `name: g
steps:
  - { id: docs, op: read.jsonl, with: { path: '*.jsonl' } }
  - { id: index, op: index.sparse, with: { path: out/index } }
`;
const stop = async (watch: ReturnType<typeof running>): Promise<void> => {
  process.emit('SIGINT');
  expect(await watch.ended).toBe(0);
};

it('watch runs for files that a pattern means, not for others beside them, and says what was added', async () => {
  const here = folderWith({ 'g.yaml': PATTERN, 'a.jsonl': jsonl(DOCUMENTS.slice(1)) });
  const watch = running(here, 'watch', 'g.yaml', '--quiet-ms', '30');
  expect(await watch.line(0)).toContain('g: docs +2, index +2 ');
  for (let i = 0; i < 3; i++) {
    appendFileSync(join(here, 'g.out'), 'a line of output\n');
    await sleep(100);
  }
  writeFileSync(join(here, 'b.jsonl'), jsonl(DOCUMENTS.slice(0, 1)));
  expect(await watch.line(1)).toContain('g: docs +1, index +1 ');
  // an index that is built anew has all its rows anew
  writeFileSync(join(here, 'g.yaml'), PATTERN.replace('out/index }', 'out/index, analyzer: standard }'));
  expect(await watch.line(2)).toContain('index +3');
  await stop(watch);
  expect(watch.lines).toHaveLength(3);
}, 60_000);

it('watch says after a run how many dead letters are open', async () => {
  const pipeline = PATTERN.replace('op: read.jsonl,', 'op: read.jsonl, onError: dead-letter,');
  const here = folderWith({ 'g.yaml': pipeline, 'a.jsonl': `${jsonl(DOCUMENTS.slice(1))}no JSON\n` });
  const watch = running(here, 'watch', 'g.yaml', '--quiet-ms', '30');
  await watch.line(0);
  const open = (): string[] => watch.told.filter(line => line.includes('1 dead letter is open'));
  await watch.until(() => open().length === 1);
  expect(open()[0]).toContain('dead-letters list g.yaml');
  writeFileSync(join(here, 'a.jsonl'), jsonl(DOCUMENTS));
  expect(await watch.line(1)).toContain('docs +1');
  await stop(watch);
  expect(open()).toHaveLength(1);
}, 60_000);

it('watch goes on in a folder that takes the place of another, and sees what steps read beside their rows', async () => {
  const here = folderWith({
    'data/a.jsonl': jsonl(DOCUMENTS.slice(0, 1)),
    'new/a.jsonl': jsonl(DOCUMENTS.slice(0, 2)),
    'f.yaml': PATTERN.replace("'*.jsonl'", 'data').replace('name: g', 'name: f'),
  });
  const watch = running(here, 'watch', 'f.yaml', '--quiet-ms', '30');
  expect(await watch.line(0)).toContain('docs +1');
  renameSync(join(here, 'data'), join(here, 'old'));
  renameSync(join(here, 'new'), join(here, 'data'));
  expect(await watch.line(1)).toContain('docs +1');
  writeFileSync(join(here, 'data/b.jsonl'), jsonl(DOCUMENTS.slice(2)));
  expect(await watch.line(2)).toContain('docs +1');
  await stop(watch);
}, 60_000);

it('watch runs again when an index changes that its steps search', async () => {
  const here = folderWith({
    'docs.jsonl': jsonl(DOCUMENTS.slice(0, 1)),
    'questions.jsonl': jsonl([{ question_id: 'q', question: 'port beach' }]),
    'i.yaml': PATTERN.replace("'*.jsonl'", 'docs.jsonl').replace('name: g', 'name: i'),
    's.yaml': `name: s
steps:
  - { id: questions, op: read.jsonl, with: { path: questions.jsonl, key: question_id } }
  - { id: hits, op: search.sparse, with: { index: out/index, k: 2 } }
  - { id: out, op: write.jsonl, with: { path: hits.jsonl } }
`,
  });
  await millrace(here, 'run', 'i.yaml');
  const watch = running(here, 'watch', 's.yaml', '--quiet-ms', '30');
  await watch.line(0);
  expect(readFileSync(join(here, 'hits.jsonl'), 'utf8')).not.toContain('Busan');
  writeFileSync(join(here, 'docs.jsonl'), jsonl(DOCUMENTS));
  await millrace(here, 'run', 'i.yaml');
  await watch.line(1);
  while (!readFileSync(join(here, 'hits.jsonl'), 'utf8').includes('Busan')) await sleep(20);
  await stop(watch);
}, 60_000);

it('a search while watch runs sees one manifest, the old one or the new', async () => {
  const words = ['alpha', 'beta'];
  // every document changes its word in every run: a mix would show both
  const docs = (word: string): string =>
    jsonl(Array.from({ length: 200 }, (_, i) => ({ id: `d${i}`, text: `${word} all` })));
  const here = folderWith({
    'docs.jsonl': docs('alpha'),
    'w.yaml': PATTERN.replace("'*.jsonl'", 'docs.jsonl').replace('name: g', 'name: w'),
  });
  const watch = running(here, 'watch', 'w.yaml', '--quiet-ms', '10');
  await watch.line(0);
  for (let round = 1; round <= 4; round++) {
    writeFileSync(join(here, 'docs.jsonl'), docs(words[round % 2]));
    const done = watch.line(round);
    let over = false;
    void done.then(() => {
      over = true;
    });
    while (!over) {
      const index = await SparseIndex.open(join(here, 'out/index'));
      try {
        const found = words.map(word => index.search(word, { k: 1000 }).docs.length);
        expect([...found].sort((a, b) => a - b)).toEqual([0, 200]);
      } finally {
        index.close();
      }
      await sleep(2);
    }
  }
  await stop(watch);
}, 60_000);
