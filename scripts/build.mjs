// Compiles the package into dist/: tsc for the sources, and every other file beside them as it is.
// node scripts/build.mjs [--out DIR] [--no-check]
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { out: { type: 'string' }, 'no-check': { type: 'boolean' } } });
const root = fileURLToPath(new URL('..', import.meta.url));
const dist = values.out === undefined ? join(root, 'dist') : resolve(values.out);
rmSync(dist, { recursive: true, force: true });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', dist];
if (values['no-check']) options.push('--noCheck');
const compiled = spawnSync(process.execPath, [tsc, ...options], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

for (const folder of ['src', 'operators', 'datasets', 'pipelines']) {
  cpSync(join(root, folder), join(dist, folder), {
    recursive: true,
    filter: path => !/(?<!\.d)\.ts$/.test(path),
  });
}

// tsc does not rewrite a dynamic import inside of `export default`: such a package would not start
const LEFT = /\bimport\(\s*['"]\.[^'"]*\.ts['"]|\bfrom ['"]\.[^'"]*\.ts['"]/;
const left = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.js'))
  .filter(name => LEFT.test(readFileSync(join(dist, name), 'utf8')));
if (left.length > 0) {
  console.error(`imports of .ts files are left in ${left.join(', ')}`);
  process.exit(1);
}
