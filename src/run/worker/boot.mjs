// Loads the worker's code: TypeScript through tsx in a checkout, compiled in a package. A worker whose own file ends
// in .ts fails under tsx on Node 20, so this file does not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { workerData } from 'node:worker_threads';

const source = new URL('./main.ts', import.meta.url);
const anyTs = [workerData.registryUrl, ...workerData.modules].some(url => url.endsWith('.ts'));
if (existsSync(fileURLToPath(source)) || anyTs) {
  // packages of many files load three times as fast before each of them has to pass the loader
  await Promise.all([import('apache-arrow'), import('zod')]);
  const { register } = await import('tsx/esm/api');
  register();
}
await import(existsSync(fileURLToPath(source)) ? source.href : new URL('./main.js', import.meta.url).href);
