// One indexing run in a process of its own: child.mjs JSONL ROOT.
(await import('tsx/esm/api')).register();
const { indexRun } = await import('./child.ts');
const [input, root] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await indexRun(input, root))}\n`);
