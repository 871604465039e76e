/** `npm run bench -- NAME [--json] [--quick] [--keep]`: finds the bench, runs it, prints its report. */
import { existsSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineLine } from './lib/machine.ts';
import { type Bench, type BenchReport, holds, reportJson, reportText } from './lib/report.ts';

const folder = new URL('./', import.meta.url);

/** Names of the benches there are: folders with an index.ts that exports one. */
export function benchNames(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(e => e.isDirectory() && existsSync(new URL(`${e.name}/index.ts`, folder)))
    .map(e => e.name)
    .sort();
}

export async function loadBench(name: string): Promise<Bench> {
  const { bench } = (await import(new URL(`${name}/index.ts`, folder).href)) as { bench: Bench };
  return bench;
}

const USAGE = 'usage: npm run bench -- NAME [--json] [--quick] [--keep]';

/** Runs a bench and prints its report. @returns the exit code: 0, 1 where a bar falls short, 2 for a wrong call */
export async function main(args: readonly string[]): Promise<number> {
  let values: { json?: boolean; quick?: boolean; keep?: boolean };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, keep: { type: 'boolean' } },
    }));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const names = benchNames();
  const [name] = positionals;
  if (name === undefined || positionals.length > 1 || !names.includes(name)) {
    const listing = await Promise.all(
      names.map(async n => ({ name: n, summary: (await loadBench(n)).summary })),
    );
    if (name === undefined && values.json) {
      console.log(JSON.stringify(listing, null, 2));
      return 0;
    }
    const print = name === undefined ? console.log : console.error;
    if (positionals.length > 1) print(`one bench at a time, got ${positionals.join(', ')}`);
    else if (name !== undefined) print(`no bench is named "${name}"`);
    const width = Math.max(...names.map(n => n.length));
    print(`${USAGE}\n\n${listing.map(b => `  ${b.name.padEnd(width)}  ${b.summary}`).join('\n')}`);
    return name === undefined ? 0 : 2;
  }
  const bench = await loadBench(name);
  let report: BenchReport;
  try {
    report = await bench.run({
      quick: values.quick ?? false,
      keep: values.keep ?? false,
      log: message => console.error(`[${name}] ${message}`),
    });
  } catch (error) {
    console.error(`[${name}] ${(error as Error).stack ?? error}`);
    return 1;
  }
  const machine = machineLine();
  console.log(
    values.json
      ? JSON.stringify(reportJson(bench, report, machine), null, 2)
      : reportText(bench, report, machine),
  );
  return report.bars.every(holds) ? 0 : 1;
}
