import { execFile, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENTS, jsonl } from './millrace.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** A folder in which the package is installed as npm installs a tarball: the files it names, nothing else. */
const here = mkdtempSync(join(tmpdir(), 'millrace-package-'));
const installed = join(here, 'node_modules', 'millrace');

const millrace = (cwd: string, ...args: string[]) =>
  run(process.execPath, [join(installed, 'bin', 'millrace.mjs'), ...args], { cwd });

beforeAll(() => {
  const build = spawnSync(
    process.execPath,
    [join(CHECKOUT, 'scripts', 'build.mjs'), '--no-check', '--out', join(installed, 'dist')],
    { encoding: 'utf8' },
  );
  expect(build.status, build.stdout + build.stderr).toBe(0);
  const manifest = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { files: string[] };
  for (const name of [...manifest.files, 'package.json']) {
    if (name !== 'dist') cpSync(join(CHECKOUT, name), join(installed, name), { recursive: true });
  }
  for (const name of readdirSync(join(CHECKOUT, 'node_modules'))) {
    if (!name.startsWith('.'))
      symlinkSync(join(CHECKOUT, 'node_modules', name), join(here, 'node_modules', name));
  }
  writeFileSync(join(here, 'package.json'), '{ "private": true }');
  writeFileSync(join(here, 'docs.jsonl'), jsonl(DOCUMENTS));
}, 120_000);

afterAll(() => rmSync(here, { recursive: true, force: true }));

describe('the installed package', () => {
  it('starts a project and runs it, in YAML and in TypeScript, in a worker too', {
    timeout: 120_000,
  }, async () => {
    const bin = join(here, 'node_modules', '.bin');
    mkdirSync(bin);
    symlinkSync(join(installed, 'bin', 'millrace.mjs'), join(bin, 'millrace'));
    for (const [dir, ...more] of [['yaml'], ['ts', '--typescript']]) {
      const { stdout } = await millrace(here, 'init', dir, '--corpus', 'docs.jsonl', ...more);
      // the command is found upwards: nothing to install
      expect(stdout).toBe(`  cd ${dir}\n  npx millrace run index\n  npx millrace run search\n`);
      const set = ['--set', 'steps.documents.where=worker'];
      const index = await millrace(join(here, dir), 'run', 'index', '--json', ...set);
      expect(JSON.parse(index.stdout)).toMatchObject({
        status: 'ok',
        steps: [{ rowsOut: 3 }, {}, { rowsIn: 3 }],
      });
      const search = await millrace(join(here, dir), 'search', 'indexes/corpus', 'port');
      expect(search.stdout).toContain('Busan');
    }
  });

  it('is a typed library', { timeout: 120_000 }, async () => {
    const folder = join(here, 'program');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2022',
          strict: true,
          skipLibCheck: true,
          outDir: 'out',
        },
        files: ['program.ts'],
      }),
    );
    writeFileSync(
      join(folder, 'program.ts'),
      `import { check, pipeline, run } from 'millrace';
import { RankingMetrics } from 'millrace/metrics';
import { SparseIndex } from 'millrace/retrieval';
import { runOperator } from 'millrace/testing';

const definition = pipeline({
  name: 'program',
  steps: [
    { id: 'docs', op: 'read.jsonl', with: { path: '../docs.jsonl' } },
    { id: 'out', op: 'write.jsonl', with: { path: 'units.jsonl' } },
  ],
});
// @ts-expect-error there is no such operator
pipeline({ name: 'x', steps: [{ id: 'docs', op: 'read.jsonlines', with: { path: 'x' } }] });
// @ts-expect-error words is a number
pipeline({ name: 'x', steps: [{ id: 'split', op: 'split.passages', with: { words: 'ten' } }] });

const { problems } = await check(definition);
const { status, steps } = await (await run(definition)).result;
const refused = await run({ ...definition, steps: [] }).catch((error: Error) => error.name);
console.log(JSON.stringify([problems.length, status, steps[1].rowsIn, refused]));
console.log([typeof RankingMetrics, typeof SparseIndex.open, typeof runOperator].join());
`,
    );
    const compiled = spawnSync(
      process.execPath,
      [join(CHECKOUT, 'node_modules/typescript/bin/tsc'), '-p', folder],
      { encoding: 'utf8' },
    );
    expect(compiled.stdout).toBe('');
    const { stdout } = await run(process.execPath, ['out/program.js'], { cwd: folder });
    expect(stdout).toBe('[0,"ok",3,"PipelineError"]\nfunction,function,function\n');
  });
});
