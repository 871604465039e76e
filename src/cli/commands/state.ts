import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../define/index.ts';
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

/** Removes the state of pipelines. @throws UserError where there is none, or one is running; nothing is removed then */
async function removeStates(root: string, names: readonly string[]): Promise<string[]> {
  const { sampleFolderOf, stateFolderOf, takeLock } = await import('../../state/index.ts');
  for (const name of names) {
    if (existsSync(stateFolderOf(root, name))) continue;
    throw new UserError(`there is no state of a pipeline "${name}"`, { help: 'state info lists them' });
  }
  for (const name of names) {
    const folder = stateFolderOf(root, name);
    const unlock = await takeLock(join(folder, 'lock'), `pipeline "${name}"`);
    try {
      await rm(sampleFolderOf(root, name), { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    } finally {
      await unlock();
    }
  }
  return [...names];
}

const samplesIn = async (root: string): Promise<string[]> => {
  const { stateRootOf } = await import('../../state/index.ts');
  return readdir(join(stateRootOf(root), '.sample')).catch(() => []);
};

/** Removes what runs with `--limit` wrote. Gives whose that was. */
async function removeSamples(root: string): Promise<string[]> {
  const { pipelineOfFolder, stateRootOf } = await import('../../state/index.ts');
  const names = await samplesIn(root);
  for (const name of names)
    await rm(join(stateRootOf(root), '.sample', name), { recursive: true, force: true });
  return names.map(name => pipelineOfFolder(name) ?? name);
}

export const command = defineCommand({
  usage: 'state <action>',
  summary: 'Says what the state beside the pipelines holds, and clears what is not used.',
  text: 'info  bytes of each pipeline’s ledger and dead letters, of samples, and of the cache of costly steps\ngc    takes out of the cache what was not used for --days, then the longest unused above --bytes; with --pipeline\n      also the state of a pipeline, with --samples what runs with --limit wrote\n\nRuns do that with the cache by themselves, once a day, with what was not used for 90 days or is above 32 GiB.\nSpace in the file that is free is used again.',
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
      .option('pipeline', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe:
          'gc: remove the state of this pipeline, whether or not its file is there; what it wrote stays, and a run of it would do everything',
      })
      .option('samples', {
        type: 'boolean',
        default: false,
        describe: 'gc: remove what runs with --limit wrote, and their state',
      })
      .example('$0 gc --days 7', 'keeps what was used within a week')
      .example('$0 gc --pipeline old', 'forgets the pipeline "old"'),
  run: async (args, io) => {
    const { Cache, cacheFolderOf, pipelineOfFolder, stateRootOf } = await import('../../state/index.ts');
    const root = stateRootOf(args.root);
    const folder = cacheFolderOf(args.root);
    const hasCache = (await stat(folder).catch(() => undefined)) !== undefined;
    if (args.action === 'gc') {
      const bytes = args.bytes === undefined ? undefined : parseBytes(args.bytes);
      if (args.bytes !== undefined && bytes === undefined)
        throw new UsageError(`--bytes is ${args.bytes}, wanted a size such as "2 GiB"`);
      const removed = await removeStates(args.root, args.pipeline ?? []);
      const samples = args.samples ? await removeSamples(args.root) : [];
      let gone = 0;
      if (hasCache) {
        const cache = await Cache.open(folder);
        gone = await cache.collect({ days: args.days, bytes });
        await cache.close();
      }
      if (args.json) io.json({ removed: gone, pipelines: removed, samples });
      else {
        io.out(`${count(gone)} cached results removed`);
        for (const name of removed) io.out(`state of pipeline "${name}" removed`);
        for (const name of samples) io.out(`sample of pipeline "${name}" removed`);
      }
      return EXIT.ok;
    }
    const pipelines: { pipeline: string; ledger: number; deadLetters: number; sample: number }[] = [];
    const sampled = new Set(await samplesIn(args.root));
    for (const name of (await readdir(root).catch(() => [] as string[])).sort()) {
      const pipeline = pipelineOfFolder(name);
      if (pipeline === undefined) continue;
      const at = join(root, name);
      sampled.delete(name);
      pipelines.push({
        pipeline,
        ledger: await bytesUnder(join(at, 'ledger')),
        deadLetters: await bytesUnder(join(at, 'dead-letters')),
        sample: await bytesUnder(join(root, '.sample', name)),
      });
    }
    for (const name of sampled) {
      const sample = await bytesUnder(join(root, '.sample', name));
      pipelines.push({ pipeline: pipelineOfFolder(name) ?? name, ledger: 0, deadLetters: 0, sample });
    }
    let cached = { entries: 0, bytes: 0, oldest: 0 };
    if (hasCache) {
      const cache = await Cache.open(folder);
      cached = cache.size();
      await cache.close();
    }
    if (args.json) io.json({ pipelines, cache: { ...cached, disk: await bytesUnder(folder) } });
    else {
      const rows = pipelines.map(p => [
        p.pipeline,
        ...[p.ledger, p.deadLetters, p.sample].map(n => formatBytes(n)),
      ]);
      io.out(
        tableLines([left('pipeline'), right('ledger'), right('dead letters'), right('sample')], rows, {
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
