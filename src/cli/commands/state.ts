import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, parseBytes } from '../../define/units.ts';
import { defineCommand, oneText, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { count, counted, left, right, tableLines } from '../table.ts';

async function bytesUnder(path: string): Promise<number> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return 0;
  if (!info.isDirectory()) return info.blocks * 512 || info.size;
  const sizes = await Promise.all((await readdir(path)).map(name => bytesUnder(join(path, name))));
  return sizes.reduce((sum, n) => sum + n, 0);
}

export const command = defineCommand({
  usage: 'state <action>',
  summary: 'Says what the state beside the pipelines holds, and clears what is not used.',
  text: 'info  bytes of each pipeline’s ledger and dead letters, and of the cache of costly steps\ngc    takes out of the cache what was not used for --days, then the longest unused above --bytes\n\nRuns do that by themselves, once a day, with what was not used for 90 days or is above 32 GiB.\nSpace in the file that is free is used again.',
  build: y =>
    y
      .positional('action', {
        type: 'string',
        demandOption: true,
        choices: ['info', 'gc'] as const,
        describe: 'what to do',
      })
      .option('days', {
        type: 'string',
        requiresArg: true,
        default: 30,
        coerce: (value: unknown) => wholeNumber('--days', 0)(value) as number,
        describe: 'gc: days without use',
      })
      .option('bytes', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--bytes'),
        describe: 'gc: most bytes to keep, such as "2 GiB"',
      })
      .example('$0 gc --days 7', 'keeps what was used within a week'),
  run: async (args, io) => {
    const { Cache, cacheFolderOf, pipelineOfFolder, stateRootOf } = await import('../../state/index.ts');
    const root = stateRootOf(args.root);
    const folder = cacheFolderOf(args.root);
    const hasCache = (await stat(folder).catch(() => undefined)) !== undefined;
    if (args.action === 'gc') {
      const bytes = args.bytes === undefined ? undefined : parseBytes(args.bytes);
      if (args.bytes !== undefined && bytes === undefined)
        throw new UsageError(`--bytes is ${args.bytes}, wanted a size such as "2 GiB"`);
      let gone = 0;
      if (hasCache) {
        const cache = await Cache.open(folder);
        gone = await cache.collect({ days: args.days, bytes });
        await cache.close();
      }
      if (args.json) io.json({ removed: gone });
      else io.out(`${count(gone)} cached results removed`);
      return EXIT.ok;
    }
    const pipelines: { pipeline: string; ledger: number; deadLetters: number }[] = [];
    for (const name of (await readdir(root).catch(() => [] as string[])).sort()) {
      const pipeline = pipelineOfFolder(name);
      if (pipeline === undefined) continue;
      const at = join(root, name);
      pipelines.push({
        pipeline,
        ledger: await bytesUnder(join(at, 'ledger')),
        deadLetters: await bytesUnder(join(at, 'dead-letters')),
      });
    }
    let cached = { entries: 0, bytes: 0, oldest: 0 };
    if (hasCache) {
      const cache = await Cache.open(folder);
      cached = cache.size();
      await cache.close();
    }
    if (args.json) io.json({ pipelines, cache: { ...cached, disk: await bytesUnder(folder) } });
    else {
      const rows = pipelines.map(p => [p.pipeline, formatBytes(p.ledger), formatBytes(p.deadLetters)]);
      io.out(
        tableLines([left('pipeline'), right('ledger'), right('dead letters')], rows, {
          title: io.style.dim,
        }).join('\n'),
      );
      const unused = cached.oldest > 0 ? `, unused for up to ${counted(cached.oldest, 'day')}` : '';
      const disk = await bytesUnder(folder);
      io.out(
        `cache: ${count(cached.entries)} results, ${formatBytes(cached.bytes)} (${formatBytes(disk)} on disk)${unused}`,
      );
    }
    return EXIT.ok;
  },
});
