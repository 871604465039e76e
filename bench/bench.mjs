#!/usr/bin/env node
// Starts a bench from its TypeScript source: `npm run bench -- NAME`.
(await import('tsx/esm/api')).register();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
