#!/usr/bin/env node
// Starts the command line: the compiled one in an installed package, the sources (through tsx) in a checkout.
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const source = new URL('../src/cli/main.ts', import.meta.url);
const inCheckout = existsSync(fileURLToPath(source));

if (inCheckout) {
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
const compiled = new URL('../dist/src/cli/main.js', import.meta.url);
if (!inCheckout && !existsSync(fileURLToPath(compiled))) {
  // .npmrc of the checkout turns scripts off, and `npm pack` then leaves out the one that compiles
  console.error('error  this package was packed without its compiled files');
  console.error('       help: in the checkout, pack with: npm pack --ignore-scripts=false');
  process.exit(1);
}
const { main } = await import(inCheckout ? source.href : compiled.href);
await main(process.argv.slice(2));
