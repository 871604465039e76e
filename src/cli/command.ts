/** What a command is to the command line: its arguments, and what it does with them. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { UsageError } from './errors.ts';
import type { Output, Style } from './terminal.ts';

/** Options that every command takes. */
export interface Common {
  root: string;
  json: boolean;
  debug: boolean;
}

/** Where a command writes: data to `out`, everything else to `err`. */
export interface Io {
  /** Writes a line of data to stdout. */
  out(text: string): void;
  /** Writes a line for people to stderr. */
  err(text: string): void;
  /** Prints one JSON document to stdout. */
  json(value: unknown): void;
  /** Where progress is drawn: stderr. */
  readonly screen: Output;
  /** Styles of stdout. */
  readonly style: Style;
  /** Styles of stderr. */
  readonly errStyle: Style;
}

/** A command, with the type of its arguments hidden. */
export interface Command {
  /** As yargs writes it: `run <pipeline>`. */
  readonly usage: string;
  readonly summary: string;
  /** More, under the usage. */
  readonly text?: string;
  build(y: Argv<Common>): Argv<Common>;
  run(args: ArgumentsCamelCase<Common>, io: Io): Promise<number>;
}

/**
 * Declares a command; the types of its arguments come from `build`. Not for `export default`: there tsc leaves the
 * endings of dynamic imports as they are.
 */
export const defineCommand = <A extends Common>(declaration: {
  usage: string;
  summary: string;
  text?: string;
  build(y: Argv<Common>): Argv<A>;
  /** Gives the exit code. */
  run(args: ArgumentsCamelCase<A>, io: Io): Promise<number>;
}): Command => declaration as unknown as Command;

const shown = (value: unknown): string =>
  Array.isArray(value) ? value.join(' and ') : String(value) || 'empty';

/** A yargs `coerce` for whole numbers from `min`. */
export const wholeNumber =
  (option: string, min = 1) =>
  (value: unknown): number | undefined => {
    if (value === undefined) return undefined;
    const n = typeof value === 'number' ? value : Number(String(value).replaceAll('_', ''));
    if (!Number.isInteger(n) || n < min || Array.isArray(value) || value === '') {
      throw new UsageError(`${option} is ${shown(value)}, wanted a whole number from ${min}`);
    }
    return n;
  };

/** A yargs `coerce` for options that stand once and have text. */
export const oneText =
  (option: string) =>
  (value: unknown): string | undefined => {
    if (value === undefined) return undefined;
    if (Array.isArray(value)) throw new UsageError(`${option} is given ${value.length} times, wanted once`);
    if (value === '') throw new UsageError(`${option} needs a value`);
    return String(value);
  };
