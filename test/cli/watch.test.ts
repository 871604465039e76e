import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { commandLine } from '../../src/cli/main.ts';
import { styleOf } from '../../src/cli/terminal.ts';
import { DOCUMENTS, jsonl, project } from './millrace.ts';

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
  return { ended, line, lines, told };
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
