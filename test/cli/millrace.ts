/** Runs the command line in a folder of its own, in this process or in another one. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { jsonText } from '../../src/cli/json.ts';
import { commandLine } from '../../src/cli/main.ts';
import { styleOf } from '../../src/cli/terminal.ts';

export const BIN = fileURLToPath(new URL('../../bin/millrace.mjs', import.meta.url));
export const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with these files, removed after the test file. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  afterAll(() => {
    process.chdir(tmpdir());
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<Outcome>;
  /** Resolves when stderr or stdout holds the text. */
  said(text: string): Promise<void>;
}

export function start(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '', FORCE_COLOR: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const w of watchers) w();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const w of watchers) w();
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(text) || stderr.includes(text)) {
          watchers.delete(look);
          resolve();
        }
      };
      watchers.add(look);
      look();
      ended.then(o => reject(new Error(`it ended before it said "${text}": ${o.stdout}${o.stderr}`)));
    });
  return { child, ended, said };
}

/** Runs a command in a process of its own, to its end. */
export const spawned = (cwd: string, ...args: string[]): Promise<Outcome> => start(cwd, args).ended;

/** Runs a command in this process, which is quicker by a second: `cwd` becomes the working directory. */
export async function millrace(cwd: string, ...args: string[]): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  process.chdir(cwd);
  const code = await commandLine(args, {
    out: text => {
      stdout += `${text}\n`;
    },
    err: text => {
      stderr += `${text}\n`;
    },
    json: value => {
      stdout += `${jsonText(value)}\n`;
    },
    screen: {
      write: text => {
        stderr += text;
      },
    },
    style: styleOf(false),
    errStyle: styleOf(false),
  });
  return { code, stdout, stderr };
}

/** The one JSON document that a command printed. */
export function jsonOf<T = Record<string, unknown>>(outcome: Outcome): T {
  try {
    return JSON.parse(outcome.stdout) as T;
  } catch (error) {
    throw new Error(
      `stdout is not one JSON document (${(error as Error).message}): ${outcome.stdout}\n${outcome.stderr}`,
    );
  }
}

/** A stack trace, as no user should see one. */
export const STACK = /^\s+at .+:\d+:\d+\)?$/m;

export const DOCUMENTS = [
  { id: 1, title: 'Seoul', text: 'Seoul is the capital of Korea and lies on the Han river.' },
  { id: 2, title: 'Busan', text: 'Busan is a port in the south, with a beach.' },
  { id: 3, title: 'Daegu', text: 'Daegu is the city of apples and of hot summers.' },
];

export const jsonl = (rows: readonly object[]): string => rows.map(r => `${JSON.stringify(r)}\n`).join('');

/** A small project: three documents, a pipeline that splits them, one that indexes and searches. */
export const project = (): string =>
  folderWith({
    'docs.jsonl': jsonl(DOCUMENTS),
    'questions.jsonl': jsonl([
      { question_id: 'q1', question: 'Which port has a beach?', answers: ['Busan'], doc_ids: ['2'] },
      { question_id: 'q2', question: 'apples', answers: ['Daegu'], doc_ids: ['3'] },
      { question_id: 'q3', question: 'What is the capital of Korea?', answers: ['Seoul'], doc_ids: ['2'] },
    ]),
    'pipelines/split.yaml': `name: split
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: split, op: split.passages, with: { words: 4 } }
  - { id: out, op: write.jsonl, with: { path: out/units.jsonl } }
`,
    'pipelines/answer.yaml': `name: answer
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: index, op: index.sparse, with: { path: indexes/docs, analyzer: english } }
  - { id: questions, op: read.jsonl, after: index, with: { path: questions.jsonl, key: question_id } }
  - { id: hits, op: search.sparse, with: { index: indexes/docs, k: 2 } }
  - { id: retrieval, op: evaluate.retrieval, with: { k: [1, 2] } }
  - { id: out, op: write.jsonl, from: hits, with: { path: out/hits.jsonl } }
`,
    'pipelines/broken.yaml': `name: broken
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: split, op: split.pasages, with: { words: 4 } }
  - { id: out, op: write.jsonl, with: { pth: out/units.jsonl } }
`,
  });
