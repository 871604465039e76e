// Compiles the package into dist/: tsc for the sources, and every other file beside them as it is.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const compiled = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

for (const folder of ['src', 'operators', 'datasets', 'pipelines']) {
  cpSync(join(root, folder), join(dist, folder), {
    recursive: true,
    filter: path => !/(?<!\.d)\.ts$/.test(path),
  });
}

// tsc does not rewrite a dynamic import inside of `export default`: such a package would not start
const left = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.js'))
  .filter(name =>
    /\bimport\(\s*['"]\.[^'"]*\.ts['"]|\bfrom ['"]\.[^'"]*\.ts['"]/.test(
      readFileSync(join(dist, name), 'utf8'),
    ),
  );
if (left.length > 0) {
  console.error(`imports of .ts files are left in ${left.join(', ')}`);
  process.exit(1);
}
