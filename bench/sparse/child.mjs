// Work on a sparse index in a process of its own: child.mjs peer PASSAGES FOLDER QUERIES K, child.mjs open FOLDER QUERY.
(await import('tsx/esm/api')).register();
const { main } = await import('./child.ts');
await main(process.argv.slice(2));
