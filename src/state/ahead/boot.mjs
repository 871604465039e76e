// Loads the code of the thread that fills a ledger: TypeScript through tsx in a checkout, compiled in a package. A worker whose own file
// ends in .ts fails under tsx on Node 20, so this file does not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('./thread.ts', import.meta.url);
const typescript = existsSync(fileURLToPath(source));
if (typescript) (await import('tsx/esm/api')).register();
await import(typescript ? source.href : new URL('./thread.js', import.meta.url).href);
