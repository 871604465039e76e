// One run in a process of its own, so that its peak memory is its own: child.mjs INPUT ROOT MEMORY.
(await import('tsx/esm/api')).register();
const { runChild } = await import('./child.ts');
const [input, root, memory] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await runChild(input, root, memory))}\n`);
