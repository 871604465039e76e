// A worker whose own file ends in .ts fails under tsx on Node 20, so this one does not.
(await import('tsx/esm/api')).register();
await import('./bare-worker.ts');
