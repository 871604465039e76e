/** Every code block of the documents does what it says: it is type-checked, checked, run or parsed. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { operators } from '../../operators/index.ts';
import { commands } from '../../src/cli/commands.ts';
import type { AnyOperator } from '../../src/define/index.ts';
import { check, loadPipeline } from '../../src/plan/index.ts';
import { STEP_KEYS } from '../../src/plan/shape.ts';
import { checkOperator } from '../../src/testing/index.ts';
import { anchorsOf, type Block, blocksOf, documents, linksOf, REPOSITORY, textOf } from './blocks.ts';
import { Terminal } from './shell.ts';
import { typeErrors } from './typecheck.ts';

const all: readonly AnyOperator[] = operators;
const LANGUAGES = ['ts', 'yaml', 'json', 'sh', 'text', 'mermaid'];

const OWN: Readonly<Record<string, string>> = {
  millrace: 'src/index.ts',
  'millrace/testing': 'src/testing/index.ts',
  'millrace/retrieval': 'src/retrieval/index.ts',
  'millrace/metrics': 'src/metrics/index.ts',
};

/** Documents that speak of the repository's own files; the others speak of a reader's project. */
const inside = (document: string): boolean =>
  document === 'CONTRIBUTING.md' || document === 'ARCHITECTURE.md';

const fileOf = (block: Block): string => block.file ?? `block-${block.line}.${block.language}`;

const folders: string[] = [];
afterAll(() => {
  process.chdir(tmpdir());
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A reader's folder, with the corpus that the documents speak of. */
function readersFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-docs-')));
  folders.push(folder);
  const lines = (rows: readonly object[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('');
  const documents = [
    { id: 1, title: 'Seoul', text: 'Seoul is the capital of Korea.' },
    { id: 2, title: 'Busan', text: 'Busan is a port.' },
  ];
  const plain = { doc_id: 'a', text: 'one', year: 1394, tags: ['x'] };
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'docs.jsonl'), lines(documents));
  writeFileSync(
    join(folder, 'questions.jsonl'),
    lines([{ question_id: 'q', question: 'Seoul', answers: ['Seoul'] }]),
  );
  writeFileSync(join(folder, 'data/a.jsonl.gz'), gzipSync(lines([{ no: 1, body: 'one two' }])));
  writeFileSync(join(folder, 'data/b.jsonl'), lines([plain]));
  return folder;
}

const require = createRequire(import.meta.url);

/** Where a module of a block is: the sources for the package's names, the repository's own place for the rest. */
function located(name: string, place: string): string {
  const file = OWN[name]
    ? join(REPOSITORY, OWN[name])
    : name.startsWith('.')
      ? join(dirname(place), name)
      : require.resolve(name);
  return pathToFileURL(file).href;
}

/** The text with imports that work from any folder; those of files of the document itself stay. */
const runnable = (text: string, place: string, own: ReadonlySet<string>): string =>
  text.replace(/from '([^']+)'/g, (line, name: string) =>
    /^(node|file):/.test(name) || own.has(join(dirname(place), name))
      ? line
      : `from '${located(name, place)}'`,
  );

interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}

/** A test that stands in a document: its `test` calls are gathered, to be run here. */
function gathering(folder: string, text: string): { text: string; tests: Collected[] } {
  const tests: Collected[] = [];
  (globalThis as Record<string, unknown>).documentTests = tests;
  const shim = join(folder, 'vitest-shim.ts');
  const vitest = pathToFileURL(require.resolve('vitest')).href;
  writeFileSync(
    shim,
    `export { expect } from 'vitest';\nexport const test = (name, run) => globalThis.documentTests.push({ name, run });\n`.replace(
      `'vitest'`,
      `'${vitest.replace(/index\.cjs$/, 'dist/index.js')}'`,
    ),
  );
  return { text: text.replace(/from 'vitest'/, `from '${pathToFileURL(shim).href}'`), tests };
}

async function runTypeScript(
  block: Block,
  place: string,
  folder: string,
  own: ReadonlySet<string>,
): Promise<void> {
  const file = join(folder, fileOf(block));
  mkdirSync(dirname(file), { recursive: true });
  const gathered = gathering(folder, block.text);
  writeFileSync(file, runnable(gathered.text, place, own));
  if (/export default pipeline\(/.test(block.text)) return checkPipeline(file, folder);
  process.chdir(folder);
  const silent = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const exports = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
    for (const { run } of gathered.tests) await run();
    for (const value of Object.values(exports)) {
      if (typeof value !== 'object' || value === null || !('shape' in value)) continue;
      expect(await checkOperator(value as AnyOperator, all)).toEqual([]);
    }
  } finally {
    silent.mockRestore();
  }
}

async function checkPipeline(file: string, root: string): Promise<void> {
  const { definition, positions } = await loadPipeline(file, { root });
  const { problems } = await check(definition, { operators, root, positions });
  expect(problems.filter(p => p.severity === 'error')).toEqual([]);
}

async function runYaml(block: Block, folder: string): Promise<void> {
  const value = parseYaml(block.text) as unknown;
  const isPipeline = typeof value === 'object' && value !== null && 'steps' in value;
  if (!isPipeline) return;
  const file = join(folder, fileOf(block));
  // a file that a command above has written is shown, not made
  if (existsSync(file)) expect(value).toEqual(parseYaml(readFileSync(file, 'utf8')));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, block.text);
  const parent = dirname(dirname(file));
  await checkPipeline(file, existsSync(join(parent, 'package.json')) ? parent : folder);
}

describe('code blocks', () => {
  test('are of a language that is run here', () => {
    const odd = documents.flatMap(document =>
      blocksOf(document)
        .filter(b => !LANGUAGES.includes(b.language))
        .map(b => `${document}:${b.line} ${b.language || 'no language'}`),
    );
    expect(odd).toEqual([]);
  });

  test('in TypeScript have the right types', () => {
    const files = new Map<string, string>();
    for (const document of documents) {
      const base = inside(document) ? REPOSITORY : join(REPOSITORY, '.blocks', document);
      for (const block of blocksOf(document)) {
        if (block.language === 'ts') files.set(join(base, fileOf(block)), block.text);
      }
    }
    expect(typeErrors(files)).toEqual([]);
  }, 120_000);

  test.each(documents)(
    'of %s work, from top to bottom',
    async document => {
      const blocks = blocksOf(document);
      const folder = readersFolder();
      const base = inside(document) ? REPOSITORY : folder;
      const own = new Set(blocks.filter(b => b.file).map(b => join(base, b.file as string)));
      const declared = blocks.flatMap(b =>
        [...b.text.matchAll(/^ {2}name: '([\w.]+)',$/gm)].map(([, name]) => name),
      );
      const terminal = new Terminal(folder, new Set(declared));
      for (const block of blocks) {
        const place = `${document}:${block.line}`;
        try {
          if (block.language === 'ts') await runTypeScript(block, join(base, fileOf(block)), folder, own);
          else if (block.language === 'yaml') await runYaml(block, folder);
          else if (block.language === 'json') JSON.parse(block.text);
          else if (block.language === 'sh') await terminal.run(block.text);
          else if (block.language === 'mermaid')
            expect(block.text).toMatch(/^(flowchart|sequenceDiagram|stateDiagram)/);
          else if (block.info === 'quickstart') {
            const lines = terminal.printed.split('\n').map(line => line.trimEnd());
            for (const line of block.text.split('\n')) expect(lines).toContain(line.trimEnd());
          }
        } catch (error) {
          throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
        }
      }
    },
    120_000,
  );
});

describe('the documents', () => {
  test.each([...documents, 'CHANGELOG.md'])('%s links to what is there', document => {
    const broken = linksOf(document).flatMap(({ file, anchor }) => {
      const target = file === '' ? document : join(dirname(document), file);
      if (!existsSync(join(REPOSITORY, target))) return [target];
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor)
        ? [`${target}#${anchor}`]
        : [];
    });
    expect(broken).toEqual([]);
  });

  test('README.md has every command, and no other', () => {
    const table = textOf('README.md').split('## Commands')[1].split('\n## ')[0];
    const told = [...table.matchAll(/`(\w[\w-]*)(?: [^`]*)?`/g)]
      .filter(match => table.slice(0, match.index).split('\n').at(-1)?.split('|').length === 2)
      .map(([, name]) => name);
    expect([...new Set(told)].sort()).toEqual(commands.map(c => c.name).sort());
  });

  test('docs/pipelines.md has every key of a step', () => {
    const text = textOf('docs/pipelines.md');
    expect(STEP_KEYS.filter(key => !text.includes(`| \`${key}\` |`))).toEqual([]);
  });

  test('docs/formats.md has every reader and writer, and the endings that folders are searched for', () => {
    const text = textOf('docs/formats.md');
    const names = all.map(op => op.name).filter(name => /^(read|write)\./.test(name));
    expect(names.filter(name => !text.includes(`| \`${name}\` |`))).toEqual([]);
    const endings = names
      .filter(name => name.startsWith('read.'))
      .flatMap(name => {
        const source = readFileSync(join(REPOSITORY, 'operators/read', `${name.slice(5)}.ts`), 'utf8');
        return [...(/endings: \[([^\]]+)\]/.exec(source)?.[1].matchAll(/'([^']+)'/g) ?? [])].map(
          ([, e]) => e,
        );
      });
    expect(endings.filter(ending => !text.includes(`\`${ending}\``))).toEqual([]);
  });
});
