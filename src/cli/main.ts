/** The command line: finds the command, parses its arguments, runs it, tells errors, sets the exit code. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { type Command, type Common, type Io, oneText } from './command.ts';
import { commands } from './commands.ts';
import { EXIT, errorJson, errorText, UsageError, usageErrorOf } from './errors.ts';
import { jsonText } from './json.ts';
import { packageVersion } from './package.ts';
import { styleOf, takesColor, widthOf } from './terminal.ts';

/** Options every command takes that have a value. */
const WITH_VALUE = new Set(['--root']);

/** The first argument that is a word: the command. */
function commandAt(args: readonly string[]): number {
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--') return -1;
    if (!args[i].startsWith('-')) return i;
    if (WITH_VALUE.has(args[i])) i++;
  }
  return -1;
}

function overview(bold: (text: string) => string): string {
  const width = Math.max(...commands.map(c => c.name.length));
  return [
    'A dataflow engine for retrieval and question answering over large text corpora.',
    '',
    `${bold('usage:')} millrace COMMAND [options]`,
    '',
    ...commands.map(c => `  ${c.name.padEnd(width)}  ${c.summary}`),
    '',
    '  millrace COMMAND --help   says what a command takes, with examples',
    '  millrace --version        prints the version',
    '',
    `${bold('options of every command:')}`,
    '  --root DIR   folder that relative paths start from (default: the working directory)',
    '  --json       print one JSON document on stdout, where a command prints data',
    '  --debug      show where an error happened',
  ].join('\n');
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const at = commandAt(args);
  if (at < 0) {
    if (args.includes('--version')) {
      io.out(packageVersion());
      return EXIT.ok;
    }
    if (args.includes('--help') || args.includes('-h')) {
      io.out(overview(io.style.bold));
      return EXIT.ok;
    }
    if (args.length > 0) {
      throw new UsageError(`no command in "millrace ${args.join(' ')}"`, {
        help: '`millrace --help` lists the commands',
      });
    }
    io.err(overview(io.errStyle.bold));
    return EXIT.usage;
  }
  const name = args[at];
  const rest = [...args.slice(0, at), ...args.slice(at + 1)];
  if (name === 'help') {
    if (rest.length === 0) {
      io.out(overview(io.style.bold));
      return EXIT.ok;
    }
    return dispatch([...rest, '--help'], io);
  }
  const entry = commands.find(c => c.name === name);
  if (!entry) {
    const { nearest } = await import('../define/near.ts');
    const near = nearest(
      name,
      commands.map(c => c.name),
    );
    throw new UsageError(`no command is named "${name}"`, {
      help: near ? `did you mean "${near}"?` : '`millrace --help` lists the commands',
    });
  }
  return runCommand((await entry.load()).command, name, rest, io);
}

async function runCommand(chosen: Command, name: string, args: readonly string[], io: Io): Promise<number> {
  const { default: yargs } = await import('yargs');
  const shape = chosen.usage.replace(/^\S+/, '$0');
  const describe = chosen.text ? `${chosen.summary}\n\n${chosen.text}` : chosen.summary;
  const known: string[] = [];
  const parser = yargs([...args])
    .scriptName(`millrace ${name}`)
    .locale('en')
    .version(false)
    .exitProcess(false)
    .fail(false)
    .strict()
    .wrap(Math.min(110, widthOf(process.stdout)))
    .parserConfiguration({
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
    })
    .help('help', 'show this help')
    .alias('help', 'h')
    .command(shape, describe, y => withCommon(chosen.build(y as never), known));
  let output = '';
  let parsed: { [name: string]: unknown } | undefined;
  try {
    parsed = await parser.parseAsync([...args], {}, (_error: unknown, _argv: unknown, text: string) => {
      output = text;
    });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw usageErrorOf((error as Error).message, name, chosen.usage, known, args);
  }
  if (parsed?.help) {
    io.out(output);
    return EXIT.ok;
  }
  const root = resolve((parsed as unknown as Common).root);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--root: ${root} is ${existsSync(root) ? 'a file' : 'not there'}, wanted a folder`);
  }
  return chosen.run({ ...(parsed as never as object), root } as never, io);
}

/** Adds the options of every command behind a command's own, in the help too; tells the names in `known`. */
function withCommon(y: Argv<Common>, known: string[]): Argv<Common> {
  const { key, alias } = (
    y as unknown as { getOptions(): { key: Record<string, unknown>; alias: Record<string, string[]> } }
  ).getOptions();
  const others = new Set(Object.values(alias).flat());
  const positionals =
    (y as unknown as { getGroups(): Record<string, string[]> }).getGroups()['Positionals:'] ?? [];
  const own = Object.keys(key).filter(
    name => name.length > 1 && name !== 'help' && !positionals.includes(name),
  );
  known.push(...own, 'root', 'json', 'debug', 'help');
  return y
    .group(
      own.filter(name => !others.has(name)),
      'Options:',
    )
    .option('root', {
      type: 'string',
      default: '.',
      requiresArg: true,
      coerce: oneText('--root'),
      describe: 'folder that relative paths start from',
    })
    .option('json', { type: 'boolean', default: false, describe: 'print one JSON document on stdout' })
    .option('debug', { type: 'boolean', default: false, describe: 'show where an error happened' })
    .group(['root', 'json', 'debug', 'help'], 'Options of every command:') as Argv<Common>;
}

/** Waits until what was written has left the process: a pipe would lose its end on exit. */
const drained = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise(done => {
    if (stream.writableLength === 0 || stream.destroyed) done();
    else stream.write('', () => done());
  });

/** Runs a command line; errors are told as they are to users. Gives the exit code. */
export async function commandLine(args: readonly string[], io: Io): Promise<number> {
  let printed = false;
  const json = (value: unknown): void => {
    io.json(value);
    printed = true;
  };
  try {
    return await dispatch(args, { ...io, json });
  } catch (error) {
    const end = args.indexOf('--');
    const options = end < 0 ? args : args.slice(0, end);
    io.err(errorText(error, io.errStyle, options.includes('--debug')));
    if (options.includes('--json') && !printed) io.json(errorJson(error));
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** Runs the command line of this process, and ends it with the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const { stdout, stderr } = process;
  const color = !args.includes('--no-color');
  // a reader that has seen enough (`| head`) is no error
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(process.exitCode ?? EXIT.ok);
    });
  }
  const code = await commandLine(
    args.filter(a => a !== '--no-color'),
    {
      out: text => void stdout.write(`${text}\n`),
      err: text => void stderr.write(`${text}\n`),
      json: value => void stdout.write(`${jsonText(value)}\n`),
      screen: stderr,
      style: styleOf(color && takesColor(stdout)),
      errStyle: styleOf(color && takesColor(stderr)),
    },
  );
  await Promise.all([drained(stdout), drained(stderr)]);
  process.exit(code);
}
