// Builds an index in a process of its own, so that its peak memory is its own: memory-child.mjs DIR ROWS.
(await import('tsx/esm/api')).register();
const { buildLarge } = await import('./memory-child.ts');
const [dir, rows] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await buildLarge(dir, Number(rows)))}\n`);
