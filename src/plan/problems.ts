/** Problems as people read them. */
import type { Problem } from './types.ts';

export interface FormatOptions {
  /** With ANSI colours. Default false. */
  readonly color?: boolean;
}

const paint =
  (color: boolean) =>
  (code: number, text: string): string =>
    color ? `\x1b[${code}m${text}\x1b[0m` : text;

/**
 * One block a problem: severity and place, then what was found and wanted, then what to do. With the place in the file
 * where it is known.
 */
export function formatProblems(problems: readonly Problem[], options: FormatOptions = {}): string {
  const ink = paint(options.color === true);
  return problems
    .map(p => {
      const severity = p.severity === 'error' ? ink(31, 'error') : ink(33, 'warning');
      const gap = p.severity === 'error' ? '  ' : ' ';
      const place = p.file === undefined ? '' : `  ${ink(2, `${p.file}:${p.line}:${p.column}`)}`;
      const where = p.where === '' ? p.pipeline : `${p.pipeline} > ${p.where}`;
      const lines = [`${severity}${gap}${ink(1, where)}${place}`];
      lines.push(...indent(p.message));
      if (p.help !== undefined) lines.push(...indent(`${ink(36, 'help:')} ${p.help}`));
      return lines.join('\n');
    })
    .join('\n');
}

const indent = (text: string): string[] => text.split('\n').map(line => `       ${line}`);

/** `2 errors, 1 warning`. */
export function countProblems(problems: readonly Problem[]): string {
  const errors = problems.filter(p => p.severity === 'error').length;
  const warnings = problems.length - errors;
  const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  return [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : '']
    .filter(Boolean)
    .join(', ');
}
