/** Errors as the command line tells them: what, where, what to do; a stack only with `--debug`. */
import { UserError } from '../define/errors.ts';
import { nearest } from '../define/near.ts';
import { withCommandsAsCalled } from './called.ts';
import type { Style } from './terminal.ts';

/** The command itself was wrong: exit code 2. */
export class UsageError extends UserError {
  constructor(message: string, options: { help?: string } = {}) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Exit codes: fine, problems or a failed run, a wrong command, stopped by Ctrl-C. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** An error a user caused has no stack, whichever part of the project threw it. */
const EXPECTED_CODES = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'EEXIST',
  'ENOSPC',
  'EROFS',
]);

/** Names of errors whose message is for users; the libraries beside the engine have classes of their own. */
const EXPECTED_NAMES =
  /^(UserError|RetryableError|UsageError|PipelineError|StepError|AbortError|IndexError|AnalyzerError|ModelError)$/;

/** Whether the message alone says enough: user errors, and plain file-system errors. */
export const isExpected = (error: unknown): error is Error =>
  error instanceof UserError ||
  (error instanceof Error && EXPECTED_NAMES.test(error.name)) ||
  (error instanceof Error && EXPECTED_CODES.has((error as NodeJS.ErrnoException).code ?? ''));

/** What to do about an error, where it says. */
export const helpOf = (error: unknown): string | undefined =>
  error instanceof Error && 'help' in error && typeof error.help === 'string'
    ? withCommandsAsCalled(error.help)
    : undefined;

const stepOf = (error: unknown): string | undefined =>
  error instanceof Error && 'step' in error && typeof error.step === 'string' ? error.step : undefined;

const messageOf = (error: unknown): string =>
  withCommandsAsCalled(error instanceof Error ? error.message : String(error));

/** Lines for an error. An unexpected one says that it is a defect and how to see the stack. */
export function errorText(error: unknown, style: Style, debug: boolean): string {
  const message = messageOf(error);
  const step = stepOf(error);
  const lines = [`${style.red('error')}  ${step ? `step "${step}": ` : ''}${message}`];
  const help = helpOf(error);
  if (help) lines.push(`       ${style.cyan('help:')} ${help}`);
  if (debug && error instanceof Error) {
    for (let e: unknown = error; e instanceof Error; e = e.cause) lines.push(style.dim(e.stack ?? String(e)));
  } else if (!isExpected(error)) {
    lines.push(
      `       ${style.cyan('help:')} this is not an error of yours; --debug shows where it happened`,
    );
  }
  return lines.join('\n');
}

/** The same for programs. */
export function errorJson(error: unknown): Record<string, unknown> {
  const help = helpOf(error);
  const step = stepOf(error);
  return {
    status: 'failed',
    error: {
      message: messageOf(error),
      ...(step ? { step } : {}),
      ...(help ? { help } : {}),
    },
  };
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

/**
 * A message of yargs as a {@link UsageError} that says what was found, what was wanted and what is near.
 * @param command the command's name; @param usage its usage, e.g. `search <index> [query..]`
 * @param options the names of its options, without dashes
 */
export function usageErrorOf(
  message: string,
  command: string,
  usage: string,
  options: readonly string[],
  args: readonly string[],
): UsageError {
  const more = `millrace ${command} --help says what it takes`;
  const unknown = /^Unknown arguments?: (.+)$/s.exec(message);
  if (unknown) {
    const names = unknown[1].split(', ');
    const isOption = (name: string): boolean =>
      args.some(a => a.startsWith('-') && a.replace(/^--?/, '').split('=')[0] === name);
    const name = names.find(isOption) ?? names[0];
    if (!isOption(name)) {
      return new UsageError(`${command}: does not know what to do with "${name}"`, {
        help: `usage: millrace ${usage}`,
      });
    }
    const near = nearest(name, options);
    return new UsageError(`${command}: has no option ${dashed(name)}`, {
      help: near ? `did you mean ${dashed(near)}?` : more,
    });
  }
  const short = /^Not enough non-option arguments: got (\d+)/.exec(message);
  if (short) {
    const wanted = [...usage.matchAll(/<([^>]+)>/g)].map(m => m[1].toUpperCase());
    return new UsageError(`${command}: ${wanted[Number(short[1])] ?? 'an argument'} is missing`, {
      help: `usage: millrace ${usage}`,
    });
  }
  const required = /^Missing required arguments?: ([^,]+)/.exec(message);
  if (required)
    return new UsageError(`${command}: ${dashed(required[1])} is missing`, {
      help: `usage: millrace ${usage} ${dashed(required[1])} …`,
    });
  const value = /^Not enough arguments following: (.+)$/.exec(message);
  if (value) return new UsageError(`${command}: ${dashed(value[1])} needs a value`, { help: more });
  const choice = /Argument: ([^,]+), Given: "?(.*?)"?, Choices: (.+)/s.exec(message);
  if (choice) {
    const choices = [...choice[3].matchAll(/"([^"]+)"/g)].map(m => m[1]);
    const near = nearest(choice[2], choices);
    return new UsageError(`${command}: ${choice[1]} is "${choice[2]}", wanted ${choices.join(', ')}`, {
      help: near ? `did you mean "${near}"?` : more,
    });
  }
  return new UsageError(`${command}: ${message}`, { help: more });
}
