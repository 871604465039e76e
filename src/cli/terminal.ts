/** What a stream can show: colour, redrawing, how wide it is; and text brought into lines. */
import { displayWidth } from '../metrics/table.ts';

/** The parts of a stream that decide how to write to it. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A stream to write to. */
export interface Output extends Screen {
  write(text: string): unknown;
}

/** Ways to set text off. */
export interface Style {
  readonly color: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const sgr =
  (on: boolean, open: number, close: number) =>
  (text: string): string =>
    on && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;

/** Styles that do nothing where `color` is false. */
export const styleOf = (color: boolean): Style => ({
  color,
  bold: sgr(color, 1, 22),
  dim: sgr(color, 2, 22),
  red: sgr(color, 31, 39),
  green: sgr(color, 32, 39),
  yellow: sgr(color, 33, 39),
  cyan: sgr(color, 36, 39),
});

/** Whether a stream takes colour: `NO_COLOR` (https://no-color.org) forbids it, `FORCE_COLOR` asks for it. */
export function takesColor(screen: Screen, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return screen.isTTY === true && env.TERM !== 'dumb';
}

/** Whether a stream can be redrawn in place. */
export const canRedraw = (screen: Screen, env: NodeJS.ProcessEnv = process.env): boolean =>
  screen.isTTY === true && env.TERM !== 'dumb';

/** Columns of a stream, at least 40; 100 where it is none. */
export const widthOf = (screen: Screen): number => Math.max(40, screen.columns || 100);

/** Pads on the right to `width` terminal columns. */
export const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/** One line of any text: control characters and runs of white space become one space. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, ' ').trim();

/** Breaks a text at white space into lines of at most `width` terminal columns. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}
