// One run in a process of its own, so that its peak memory is its own: rows.mjs ROWS COMPILED.
(await import('tsx/esm/api')).register();
const { measureRows } = await import('./rows.ts');
process.stdout.write(`${JSON.stringify(await measureRows(Number(process.argv[2]), process.argv[3]))}\n`);
