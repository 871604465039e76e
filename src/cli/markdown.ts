/** Markdown as a terminal shows it: headings, tables, lists, code blocks, emphasis. For the project's own texts. */
import { displayWidth } from '../metrics/table.ts';
import { left, tableLines } from './table.ts';
import { type Style, styleOf, wrapText } from './terminal.ts';

const INDENT = '  ';

/** Inline marks: `code`, **bold**, [text](target). */
function inline(text: string, style: Style): string {
  return text
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replace(/\*\*([^*]+)\*\*/g, (_, bold: string) => style.bold(bold))
    .replace(/`([^`]+)`/g, (_, code: string) => style.cyan(code));
}

/** Cells of a table row; `\|` is a bar inside of one. */
const cellsOf = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim().replaceAll('\\|', '|'));

/** Columns but the last are wrapped where they are wider than this. */
const WIDEST = 34;

/** A table; cells are wrapped, the last column into what is left of the width. */
function table(rows: readonly string[], width: number, style: Style): string[] {
  const plain = (text: string): string => inline(text, styleOf(false));
  const [head, , ...body] = rows.map(row => cellsOf(row).map(plain));
  const widths = head.map((h, i) =>
    Math.min(WIDEST, Math.max(...[h, ...body.map(r => r[i] ?? '')].map(displayWidth))),
  );
  const last = head.length - 1;
  widths[last] = Math.max(
    24,
    width - INDENT.length - widths.slice(0, last).reduce((sum, w) => sum + w + 2, 0),
  );
  const lines = body.flatMap(row => {
    const wrapped = head.map((_, i) => wrapText(row[i] ?? '', widths[i]));
    const height = Math.max(1, ...wrapped.map(w => w.length));
    return Array.from({ length: height }, (_, n) =>
      wrapped.map((w, i) => (i === 0 ? style.cyan(w[n] ?? '') : (w[n] ?? ''))),
    );
  });
  return tableLines(head.map(left), lines, { indent: INDENT.length, title: style.dim });
}

/** Lines of at most `width` columns, as far as words and code allow. */
export function markdownLines(markdown: string, width: number, style: Style): string[] {
  const source = markdown.split('\n');
  const out: string[] = [];
  for (let i = 0; i < source.length; ) {
    const line = source[i];
    const fence = /^(`{3,})/.exec(line);
    if (fence) {
      i++;
      while (i < source.length && !source[i].startsWith(fence[1]))
        out.push(style.cyan(`${INDENT}${INDENT}${source[i++]}`));
      i++;
    } else if (line.startsWith('|')) {
      const rows: string[] = [];
      while (i < source.length && source[i].startsWith('|')) rows.push(source[i++]);
      out.push(...table(rows, width, style));
    } else if (/^#+ /.test(line)) {
      out.push(style.bold(line.replace(/^#+ /, '')));
      i++;
    } else if (line.trim() === '') {
      out.push('');
      i++;
    } else {
      const words: string[] = [];
      const item = /^- /.test(line);
      do words.push(source[i++]);
      while (!item && i < source.length && source[i].trim() !== '' && !/^([|#]|`{3}|- )/.test(source[i]));
      out.push(
        ...wrapText(inline(words.join(' '), style), width - INDENT.length - (item ? INDENT.length : 0)).map(
          (l, n) => INDENT + (item && n > 0 ? INDENT : '') + l,
        ),
      );
    }
  }
  return out;
}
