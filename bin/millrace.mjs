#!/usr/bin/env node
// Starts the command line: the compiled one in an installed package, the sources (through tsx) in a checkout.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('../src/cli/main.ts', import.meta.url);
const inCheckout = existsSync(fileURLToPath(source));
if (inCheckout) (await import('tsx/esm/api')).register();
const { main } = await import(
  inCheckout ? source.href : new URL('../dist/src/cli/main.js', import.meta.url).href
);
await main(process.argv.slice(2));
