import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/define/index.ts';
import { check, formatProblems, listPipelines, loadPipeline } from '../../src/plan/index.ts';
import { operators } from './operators.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-load-'));
afterAll(() => rmSync(root, { recursive: true }));
const source = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function put(name: string, text: string): string {
  const file = join(root, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
async function refusal(name: string): Promise<string> {
  const error = await loadPipeline(name, { root }).then(
    () => undefined,
    e => e as unknown,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message, help } = error as UserError;
  return `${message.replaceAll(`${root}/`, '')}${help === undefined ? '' : ` | ${help}`}`;
}

const YAML = `# how documents are indexed
name: index
memory: 1e9
steps:
  - { id: docs, op: read.jsonl, with: { path: data/*.jsonl } }
  - id: split
    op: split.passages
    with:
      words: 50
    batch: { rows: 1e3, linger: 20ms }
  - id: sparse
    op: index.sparse
    with: { path: indexes/sparse, analyser: korean }
`;

describe('YAML and JSON', () => {
  it('give the definition, and problems with line and column', async () => {
    const file = put('pipelines/index.yaml', YAML);
    const loaded = await loadPipeline('index', { root });
    expect(loaded.file).toBe(file);
    expect(loaded.definition.steps[1]).toEqual({
      id: 'split',
      op: 'split.passages',
      with: { words: 50 },
      batch: { rows: 1000, linger: '20ms' },
    });
    const { problems } = await check(loaded.definition, { operators, root, positions: loaded.positions });
    expect(problems.map(p => [p.code, p.line, p.column])).toEqual([['unknown-parameter', 13, 35]]);
    expect(formatProblems(problems).replaceAll(`${root}/`, '')).toBe(
      [
        'error  index > steps[2] "sparse"  pipelines/index.yaml:13:35',
        '       with.analyser: index.sparse has no such parameter',
        '       help: did you mean "analyzer"?',
      ].join('\n'),
    );
  });

  it('point at the value, or at the nearest thing that is there', async () => {
    put(
      'where.yaml',
      YAML.replace('words: 50', 'words: fifty').replace('analyser: korean', 'analyzer: klingon'),
    );
    const { definition, positions } = await loadPipeline('where.yaml', { root });
    const { problems } = await check(
      { ...definition, steps: [...definition.steps] },
      { operators, root, positions },
    );
    expect(problems.map(p => [p.code, p.line, p.column])).toEqual([
      ['parameter-type', 9, 14],
      ['parameter-value', 13, 45],
    ]);
    put('bare.yaml', 'name: a\nsteps:\n  - { id: docs, op: read.jsonl, with: {} }\n');
    const bare = await loadPipeline('bare.yaml', { root });
    const missing = await check(bare.definition, { operators, root, positions: bare.positions });
    expect(missing.problems.map(p => [p.code, p.line, p.column])).toEqual([
      ['missing-parameter', 3, 39],
      ['unread-output', 3, 5],
    ]);
  });

  it('follow anchors and merge keys', async () => {
    const text = `name: a
steps:
  - { id: q, op: read.squad, with: &in { path: a, take: contexts } }
  - { id: w, op: write.jsonl, with: { path: x } }
  - { id: r, op: read.squad, with: { <<: *in, take: questions } }
  - { id: v, op: write.jsonl, with: { path: y } }
`;
    put('anchors.yaml', text);
    const { definition } = await loadPipeline('anchors.yaml', { root });
    expect(definition.steps[2].with).toEqual({ path: 'a', take: 'questions' });
  });

  it('JSON has places too', async () => {
    const json = JSON.stringify({ name: 'j', steps: [{ id: 'a', op: 'read.nothing' }] }, null, '\t');
    put('x.json', json);
    const { definition, positions } = await loadPipeline('x.json', { root });
    const { problems } = await check(definition, { operators, root, positions });
    expect(problems.map(p => [p.code, p.line, p.column])).toEqual([['unknown-operator', 6, 10]]);
  });

  it.each([
    ['dup.yaml', 'name: a\nsteps: []\nname: b\n', 'dup.yaml:3:1: the key name stands here twice'],
    [
      'brace.yaml',
      'name: a\nsteps:\n  - { id: x, with: { path: a.csv }\n  - { id: y }\n',
      'brace.yaml:3:5: what begins here has no } at its end',
    ],
    ['tab.yaml', 'name: a\nsteps:\n\t- id: x\n', 'tab.yaml:3:1: a tab indents this line; YAML wants spaces'],
    [
      'two.yaml',
      'name: a\nsteps: []\n---\nname: b\n',
      'two.yaml:4:1: a second document begins here, wanted one | put each pipeline into a file of its own',
    ],
    ['alias.yaml', 'name: *nothing\n', 'alias.yaml:1:7: the alias *nothing names no anchor above it'],
    ['tag.yaml', 'name: !odd x\n', 'tag.yaml:1:7: tags other than those of JSON values are not read'],
    ['empty.yaml', '', 'empty.yaml: there is nothing in it'],
    [
      'comma.json',
      '{\n  "name": "a",\n}',
      'comma.json:3:1: this is not JSON: expected double-quoted property name | comments and unquoted text are for YAML: name the file .yaml',
    ],
    ['dup.json', '{ "name": "a",\n "name": "b" }', 'dup.json:2:2: the key name stands here twice'],
  ])('%s is refused with its place', async (name, text, said) => {
    put(name, text);
    expect(await refusal(name)).toBe(said);
  });

  it('an open bracket is refused with a place', async () => {
    put('open.yaml', 'name: a\nsteps: [ { id: x }\n');
    expect(await refusal('open.yaml')).toMatch(/^open\.yaml:\d+:\d+: /);
  });

  it('bring operators from files of their own', async () => {
    put(
      'own/upper.ts',
      `import { z } from ${JSON.stringify(pathToFileURL(join(source, 'node_modules/zod/index.js')).href)};
       export const upper: object = { name: 'my.upper', version: 1, shape: 'map', rows: 'same', summary: '', examples: [],
         params: z.strictObject({}), reads: () => ({}), writes: () => ({}), open: () => ({}) };
       export const helper = 3;`,
    );
    const yaml = (file: string) => `name: own
operators: [${file}]
steps:
  - { id: docs, op: read.jsonl, with: { path: a } }
  - { id: upper, op: my.upper }
  - { id: out, op: write.jsonl, with: { path: o } }
`;
    put('own/p.yaml', yaml('./upper.ts'));
    const { definition, positions } = await loadPipeline('own/p.yaml', { root });
    expect((await check(definition, { operators, root, positions })).problems).toEqual([]);
    put('own/q.yaml', yaml('./lower.ts'));
    expect(await refusal('own/q.yaml')).toBe(
      'own/q.yaml:2:13: there is no file of operators own/lower.ts | the path is relative to the file that names it',
    );
    put('own/nothing.ts', 'export const x = 1;');
    put('own/r.yaml', yaml('nothing.ts'));
    expect(await refusal('own/r.yaml')).toMatch(/^own\/r\.yaml:2:13: own\/nothing\.ts exports no operator/);
  });
});

describe('finding pipelines', () => {
  it('lists what there is, and names near ones', async () => {
    put('pipelines/index.yaml', YAML);
    put('pipelines/answer.json', '{}');
    put('pipelines/notes.txt', '');
    put('pipelines/types.d.ts', '');
    const mine = listPipelines({ root }).filter(p => !p.own);
    expect(mine.map(p => p.name)).toEqual(['answer', 'index']);
    expect(await refusal('indx')).toMatch(
      /^there is no pipeline "indx" in pipelines or the package \| did you mean "index"\? pipelines there are: .*answer/,
    );
    expect(await refusal('pipelines/gone.yaml')).toMatch(/^there is no file .*pipelines\/gone\.yaml/);
    expect(await refusal('pipelines/notes.txt')).toMatch(/a pipeline is a file that ends in \.ts, /);
    expect(await refusal('./pipelines')).toMatch(/pipelines is a folder, wanted a file/);
  });

  it('refuses a name that two files have', async () => {
    put('pipelines/twice.yaml', 'name: a');
    put('pipelines/twice.json', '{}');
    expect(await refusal('twice')).toBe(
      '"twice" may be pipelines/twice.json or pipelines/twice.yaml | give the path of the one you mean',
    );
    rmSync(join(root, 'pipelines/twice.json'));
    rmSync(join(root, 'pipelines/twice.yaml'));
  });
});

describe('TypeScript and JavaScript', () => {
  it('give the default export, or the one pipeline among the exports', async () => {
    put('ts/a.ts', "const n: string = 'a';\nexport default { name: n, steps: [] };");
    put('ts/b.ts', "export const helper = 1;\nexport const p = { name: 'b', steps: [] };");
    put('ts/c.mjs', "export default { name: 'c', steps: [] };");
    expect((await loadPipeline('ts/a.ts', { root })).definition).toEqual({ name: 'a', steps: [] });
    expect((await loadPipeline('ts/b.ts', { root })).definition.name).toBe('b');
    expect((await loadPipeline('ts/c.mjs', { root })).definition.name).toBe('c');
  });

  it('say what is exported instead', async () => {
    put('ts/none.ts', 'export const x = 1;');
    put(
      'ts/two.ts',
      "export const p = { name: 'a', steps: [] };\nexport const q = { name: 'b', steps: [] };",
    );
    put('ts/fn.ts', 'export default () => 1;');
    expect(await refusal('ts/none.ts')).toMatch(/^ts\/none\.ts exports no pipeline, only x \|/);
    expect(await refusal('ts/two.ts')).toMatch(/^ts\/two\.ts exports several pipelines: p, q \|/);
    expect(await refusal('ts/fn.ts')).toMatch(/^ts\/fn\.ts: the default export is a function/);
  });
});

/** In a process of its own, as the command line runs: no test runner between the loader and Node. */
function outside(file: string, before: string): { out: string; err: string } {
  const script = put(
    `run-${before.length}.mjs`,
    `${before}
     const { loadPipeline } = await import(${JSON.stringify(pathToFileURL(join(source, 'src/plan/load.ts')).href)});
     const { UserError } = await import(${JSON.stringify(pathToFileURL(join(source, 'src/define/errors.ts')).href)});
     try {
       const { definition } = await loadPipeline(process.argv[2], { root: ${JSON.stringify(root)} });
       console.log(JSON.stringify({ name: definition.name, same: definition.Error === undefined || definition.Error === UserError }));
     } catch (e) {
       console.log(e instanceof UserError ? 'refused ' + e.message : 'threw ' + e.stack);
     }`,
  );
  const run = spawnSync(process.execPath, [script, file], { encoding: 'utf8', cwd: root });
  return { out: run.stdout.trim(), err: run.stderr };
}
const tsx = JSON.stringify(pathToFileURL(join(source, 'node_modules/tsx/dist/esm/api/index.mjs')).href);
const registered = `import { register } from ${tsx}; register();`;
const twice = `${registered} register();`;
const within = `import { tsImport } from ${tsx};`;

describe('in a process of its own', () => {
  const errors = JSON.stringify(pathToFileURL(join(source, 'src/define/errors.ts')).href);
  it.each([
    ['registered', registered],
    ['registered twice', twice],
  ])('a pipeline shares modules with the engine (tsx %s)', (_name, before) => {
    // Its package.json does not say "type": "module".
    put('plain/package.json', '{}');
    put(
      'plain/helper.ts',
      `import { UserError } from ${errors};\nexport const name: string = 'plain';\nexport { UserError };`,
    );
    put(
      'plain/p.ts',
      "import { name, UserError } from './helper';\nexport default { name, steps: [], Error: UserError };",
    );
    expect(outside('plain/p.ts', before)).toEqual({ out: '{"name":"plain","same":true}', err: '' });
  });

  it.each([
    [
      'syntax.ts',
      'export default {\n  name: "x",\n  steps: [ { id: }\n',
      /^refused (\S+\/)?bad\/syntax\.ts:3:18: /,
    ],
    [
      'syntax.mjs',
      'export default {\n  name: "x",\n  steps: [ { id: }\n',
      /^refused (\S+\/)?bad\/syntax\.mjs:3: Unexpected token/,
    ],
    [
      'reference.ts',
      '\n\nexport default nothing.at.all;\n',
      /^refused (\S+\/)?bad\/reference\.ts:3:16: nothing is not defined$/,
    ],
    [
      'import.ts',
      "import './gone.ts';\n",
      /^refused (\S+\/)?bad\/import\.ts: it imports "(\S+\/)?bad\/gone\.ts", which is not there$/,
    ],
    [
      'package.ts',
      "import 'no-such-package-at-all';\n",
      /^refused (\S+\/)?bad\/package\.ts: it imports "no-such-package-at-all", which is not there$/,
    ],
    ['thrown.ts', "throw 'a text';\n", /^refused (\S+\/)?bad\/thrown\.ts threw a text$/],
  ])('%s is refused with its place and no stack', (name, text, said) => {
    put(`bad/${name}`, text);
    const { out } = outside(`bad/${name}`, registered);
    expect(out).toMatch(said);
    expect(out).not.toMatch(/\n\s+at /);
  });

  it('works inside of tsImport, as workers have it', () => {
    put('plain/p.ts', "export default { name: 'plain', steps: [] };");
    const script = put(
      'within.mjs',
      `${within}
       const { loadPipeline } = await tsImport(${JSON.stringify(pathToFileURL(join(source, 'src/plan/load.ts')).href)}, import.meta.url);
       console.log((await loadPipeline('plain/p.ts', { root: ${JSON.stringify(root)} })).definition.name);`,
    );
    const run = spawnSync(process.execPath, [script], { encoding: 'utf8', cwd: root });
    expect(run.stderr).toBe('');
    expect(run.stdout.trim()).toBe('plain');
  });

  it('takes a file that changed anew', async () => {
    const script = put(
      'again.mjs',
      `${registered}
       import { writeFileSync, utimesSync } from 'node:fs';
       const { loadPipeline } = await import(${JSON.stringify(pathToFileURL(join(source, 'src/plan/load.ts')).href)});
       const names = [];
       for (const name of ['one', 'two', 'three']) {
         writeFileSync('changing.ts', 'export default { name: "' + name + '", steps: [] };');
         utimesSync('changing.ts', names.length + 1, names.length + 1);
         names.push((await loadPipeline('changing.ts', { root: '.' })).definition.name);
       }
       console.log(names.join());`,
    );
    const run = spawnSync(process.execPath, [script], { encoding: 'utf8', cwd: root });
    expect(run.stdout.trim()).toBe('one,two,three');
  });
});
