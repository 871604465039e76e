/** Text tables for terminals: columns aligned by what characters take on the screen. */

export interface TableColumn {
  header: string;
  /** Default: right where every cell is a number (or empty), else left. */
  align?: 'left' | 'right';
  /** Decimals of numbers that are not whole. Default 4. */
  decimals?: number;
  /** Longer cells are cut, with an ellipsis. In terminal columns. */
  maxWidth?: number;
}

export type TableCell = string | number | bigint | boolean | null | undefined;

export interface TableOptions {
  /** Set between columns. Default two spaces. */
  gap?: string;
  /** A line of dashes under the headers. Default true. */
  rule?: boolean;
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const PLAIN = /^[\x20-\x7e]*$/;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
const INVISIBLE = /^[\p{M}\p{Cf}\p{Cc}\p{Zl}\p{Zp}]*$/u;
// East Asian Wide and Fullwidth blocks (Unicode 15, UAX 11).
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with the control character
const ANSI = /\x1b\[[0-9;]*m/g;

/** Number of terminal columns a text takes: Hangul, Han, Kana and emoji two, marks and colour codes none. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text.replace(ANSI, ''))) width += segmentWidth(segment);
  return width;
}

function segmentWidth(segment: string): number {
  if (INVISIBLE.test(segment)) return 0;
  return EMOJI.test(segment) || WIDE.test(segment) ? 2 : 1;
}

/** Cuts a text to a width in terminal columns, with an ellipsis where something is cut. */
export function fitWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of GRAPHEMES.segment(text.replace(ANSI, ''))) {
    const next = segmentWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return width < 1 ? '' : `${kept}…`;
}

/**
 * A table as text, without a line end at its end. Line breaks and tabs in cells become spaces, empty cells
 * (`null`, `undefined`, NaN) a dash.
 *
 * @example textTable(['run', 'ndcg@10'], [['bm25', 0.682], ['하이브리드', 0.7]])
 */
export function textTable(
  columns: readonly (string | TableColumn)[],
  rows: readonly (readonly TableCell[])[],
  options: TableOptions = {},
): string {
  const { gap = '  ', rule = true } = options;
  const specs = columns.map(column => (typeof column === 'string' ? { header: column } : column));
  const body = rows.map(row => specs.map((spec, c) => cellText(row[c], spec)));
  const head = specs.map(spec => clean(spec.header, spec.maxWidth));
  const right = specs.map((spec, c) =>
    spec.align === undefined
      ? rows.length > 0 && rows.every(row => isNumber(row[c]))
      : spec.align === 'right',
  );
  const widths = head.map((cell, c) =>
    Math.max(displayWidth(cell), ...body.map(row => displayWidth(row[c]))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => {
        const space = ' '.repeat(widths[c] - displayWidth(cell));
        return right[c] ? space + cell : cell + space;
      })
      .join(gap)
      .trimEnd();
  const lines = [line(head)];
  if (rule) lines.push(widths.map(width => '-'.repeat(width)).join(gap));
  return [...lines, ...body.map(line)].join('\n');
}

function isNumber(cell: TableCell): boolean {
  return cell === null || cell === undefined || typeof cell === 'number' || typeof cell === 'bigint';
}

function cellText(cell: TableCell, spec: TableColumn): string {
  if (cell === null || cell === undefined || (typeof cell === 'number' && Number.isNaN(cell))) return '–';
  if (typeof cell === 'number' && !Number.isInteger(cell)) return cell.toFixed(spec.decimals ?? 4);
  return clean(String(cell), spec.maxWidth);
}

function clean(text: string, maxWidth = Number.POSITIVE_INFINITY): string {
  return fitWidth(text.replace(/[\r\n\t]+/g, ' '), maxWidth);
}
