/** The text of Markdown: front matter, headings and sections, without marks. */
import { marked, type Token, type Tokens } from 'marked';
import { parse } from 'yaml';
import { pageText } from './html-text.ts';

/** A run of text under a heading. */
export interface Section {
  /** Level of its heading, 1 to 6; 0 for what stands before the first. */
  readonly level: number;
  readonly heading: string;
  readonly text: string;
}

export interface MarkdownText {
  /** `title` of the front matter, else the first heading of level 1. */
  readonly title: string | undefined;
  readonly sections: readonly Section[];
}

/** Text of inline tokens: links and emphasis without marks, images as their alternative text. */
function inline(tokens: readonly Token[] | undefined): string {
  let out = '';
  for (const token of tokens ?? []) {
    if (token.type === 'br') out += '\n';
    else if (token.type === 'html') out += /^<br/i.test(token.raw) ? '\n' : '';
    else if ('tokens' in token && token.tokens) out += inline(token.tokens);
    else if (
      token.type === 'image' ||
      token.type === 'text' ||
      token.type === 'codespan' ||
      token.type === 'escape'
    )
      out += unescaped((token as Tokens.Text).text);
    else out += 'text' in token && typeof token.text === 'string' ? token.text : '';
  }
  return out;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name]);

function block(token: Token): string {
  switch (token.type) {
    case 'heading':
    case 'paragraph':
      return inline(token.tokens);
    case 'text':
      return token.tokens ? inline(token.tokens) : unescaped(token.text);
    case 'code':
      return token.text;
    case 'blockquote':
      return blocks(token.tokens ?? []);
    case 'list':
      return (token as Tokens.List).items.map(item => blocks(item.tokens, '\n')).join('\n');
    case 'table': {
      const table = token as Tokens.Table;
      const row = (cells: readonly Tokens.TableCell[]): string => cells.map(c => inline(c.tokens)).join('\t');
      return [row(table.header), ...table.rows.map(row)].join('\n');
    }
    case 'html':
      return pageText(token.text, true).text;
    default:
      return '';
  }
}

const blocks = (tokens: readonly Token[], between = '\n\n'): string =>
  tokens
    .map(block)
    .filter(text => text !== '')
    .join(between);

/** The front matter's title and what follows it. */
function frontMatter(source: string): { title: string | undefined; body: string } {
  const match = /^---[ \t]*\r?\n([\s\S]*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(source);
  if (!match) return { title: undefined, body: source };
  let data: unknown;
  try {
    data = parse(match[1]);
  } catch (error) {
    throw new Error(`the front matter is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  // a rule, text and another rule are no front matter
  if (typeof data !== 'object' || data === null) return { title: undefined, body: source };
  const title = (data as { title?: unknown }).title;
  return {
    title: title === undefined || title === null ? undefined : String(title),
    body: source.slice(match[0].length),
  };
}

/** Reads a Markdown file (CommonMark and GitHub's tables). @throws Error where the front matter is not YAML. */
export function markdownText(source: string): MarkdownText {
  const { title, body } = frontMatter(source);
  const sections: { level: number; heading: string; tokens: Token[] }[] = [
    { level: 0, heading: '', tokens: [] },
  ];
  for (const token of marked.lexer(body)) {
    if (token.type === 'heading')
      sections.push({ level: token.depth, heading: inline(token.tokens).trim(), tokens: [token] });
    else (sections.at(-1) as { tokens: Token[] }).tokens.push(token);
  }
  return {
    title: title ?? (sections.find(s => s.level === 1)?.heading || undefined),
    sections: sections
      .map(({ level, heading, tokens }) => ({ level, heading, text: blocks(tokens) }))
      .filter(s => s.level > 0 || s.text !== ''),
  };
}
