/**
 * A reader's terminal: runs the `millrace` lines of shell blocks in a folder, in this process, and makes sure that the
 * others name scripts and files that are there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonText } from '../../src/cli/json.ts';
import { commandLine } from '../../src/cli/main.ts';
import { styleOf } from '../../src/cli/terminal.ts';
import { REPOSITORY } from './blocks.ts';

const { scripts } = JSON.parse(readFileSync(`${REPOSITORY}/package.json`, 'utf8')) as {
  scripts: Record<string, string>;
};

/** Splits a line into words as a shell does. @throws Error for what this terminal does not know */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === "'" || c === '"') {
      const end = line.indexOf(c, i + 1);
      if (end < 0) throw new Error(`a quote is not closed: ${line}`);
      word = (word ?? '') + line.slice(i + 1, end);
      i = end;
    } else if (c === ' ') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '#' && word === undefined) break;
    else if (/[|<>$`;*]/.test(c) && !(c === '*' && word !== undefined))
      throw new Error(`"${c}" is not run here: ${line}`);
    else word = (word ?? '') + c;
  }
  if (word !== undefined) words.push(word);
  return words;
}

export class Terminal {
  readonly folder: string;
  /** Names of operators that the document declares and its reader would have registered. */
  readonly #own: ReadonlySet<string>;
  /** What the commands have printed on stdout so far. */
  printed = '';

  constructor(folder: string, own: ReadonlySet<string>) {
    this.folder = folder;
    this.#own = own;
  }

  /** @throws Error naming the line that does not work */
  async run(block: string): Promise<void> {
    const lines = block.split('\n');
    for (let i = 0; i < lines.length; i++) {
      const here = /^cat > (\S+) <<'(\w+)'$/.exec(lines[i]);
      if (here) {
        const end = lines.indexOf(here[2], i);
        this.#write(here[1], `${lines.slice(i + 1, end).join('\n')}\n`);
        i = end;
        continue;
      }
      for (const command of lines[i].split(' && ')) {
        try {
          await this.#command(wordsOf(command));
        } catch (error) {
          throw new Error(`${command}\n${(error as Error).message}`);
        }
      }
    }
  }

  #write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  async #command([name, ...args]: string[]): Promise<void> {
    if (name === undefined) return;
    if (name === 'millrace') return this.#millrace(args);
    if (name === 'npx' && args[0] === 'millrace') return this.#millrace(args.slice(1));
    if (name === 'npm') return this.#npm(args);
    if (name === 'npx' || name === 'bash' || name === 'sh' || name === 'node' || name === 'python3') {
      const tool = name === 'npx' ? join('node_modules', '.bin', args[0]) : args[0];
      for (const path of [tool, ...args.slice(1).filter(a => a.includes('/'))]) {
        if (!existsSync(join(REPOSITORY, path))) throw new Error(`there is no ${path} in the repository`);
      }
      return;
    }
    throw new Error(`a command that the documents should not need: ${name}`);
  }

  async #npm(args: string[]): Promise<void> {
    if (args[0] === 'ci' || args[0] === 'test') return;
    if (args[0] === 'start') {
      const [, command] = /^node bin\/millrace\.mjs (.+)$/.exec(scripts.start) ?? [];
      return this.#millrace(wordsOf(command));
    }
    const rest = args.slice(1).filter(a => a !== '-s' && a !== '--');
    const [script, ...given] = rest;
    if (args[0] !== 'run' || !Object.hasOwn(scripts, script ?? ''))
      throw new Error('package.json has no such script');
    if (script === 'millrace') return this.#millrace(given);
    const bench = script === 'bench' ? given.find(a => !a.startsWith('-')) : undefined;
    if (bench !== undefined && !existsSync(join(REPOSITORY, 'bench', bench, 'index.ts')))
      throw new Error(`there is no bench ${bench}`);
  }

  async #millrace(args: string[]): Promise<void> {
    // it would watch until somebody stops it
    if (args[0] === 'watch') return this.#millrace(['check', ...args.slice(1)]);
    if (args[0] === 'operators' && this.#own.has(args[1] ?? '')) return;
    let errors = '';
    process.chdir(this.folder);
    const code = await commandLine(args, {
      out: text => {
        this.printed += `${text}\n`;
      },
      err: text => {
        errors += `${text}\n`;
      },
      json: value => {
        this.printed += `${jsonText(value)}\n`;
      },
      screen: { write: () => undefined },
      style: styleOf(false),
      errStyle: styleOf(false),
    });
    if (code !== 0) throw new Error(`exit code ${code}\n${errors}`);
  }
}
