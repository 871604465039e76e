#!/usr/bin/env node
// Starts the command line: the compiled one in an installed package, the sources (through tsx) in a checkout, and in a
// package that was packed without the compiled files, as `npm pack` does where .npmrc turns scripts off.
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const source = new URL('../src/cli/main.ts', import.meta.url);
const compiled = new URL('../dist/src/cli/main.js', import.meta.url);
const installed = /[\\/]node_modules[\\/]millrace[\\/]bin[\\/]/.test(fileURLToPath(import.meta.url));
const fromSources = !(installed && existsSync(fileURLToPath(compiled)));

if (fromSources) {
  (await import('tsx/esm/api')).register();
  // a pipeline's `import 'millrace'` means these sources, wherever the pipeline lies
  const names = {
    millrace: 'index',
    'millrace/testing': 'testing/index',
    'millrace/retrieval': 'retrieval/index',
    'millrace/metrics': 'metrics/index',
  };
  const urls = Object.entries(names).map(([name, file]) => [
    name,
    new URL(`../src/${file}.ts`, import.meta.url).href,
  ]);
  const hook = `const own = new Map(${JSON.stringify(urls)});
    export const resolve = (name, context, next) => next(own.get(name) ?? name, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
const { main } = await import(fromSources ? source.href : compiled.href);
await main(process.argv.slice(2));
