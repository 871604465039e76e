/** Reads YAML and JSON with the place of every node, so that a problem can say file, line and column. */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
} from 'yaml';
import { UserError } from '../define/index.ts';
import type { DefinitionPath, SourceMap } from './types.ts';

/** What is wrong with the text, by the parser's code, where its own words are for programmers. */
const SENTENCES: Record<string, string> = {
  DUPLICATE_KEY: 'this key stands here twice',
  TAB_AS_INDENT: 'a tab indents this line; YAML wants spaces',
  BAD_INDENT: 'this line is indented otherwise than its neighbours',
  MULTIPLE_ANCHORS: 'a node has one anchor at most',
  TAG_RESOLVE_FAILED: 'tags other than those of JSON values are not read',
};

/** A parsed text: the value, and where its parts stand. */
export interface Parsed {
  readonly value: unknown;
  readonly positions: SourceMap;
}

/**
 * Parses YAML 1.2, or JSON. Anchors, aliases and merge keys are followed.
 * @param file as messages should show it
 * @throws UserError for text that cannot be read, with file, line and column of all that is wrong
 */
export function parseDefinition(text: string, file: string, kind: 'yaml' | 'json'): Parsed {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (!Array.isArray(documents) || documents.length === 0)
    throw new UserError(`${file}: there is nothing in it`);
  // A tab of indentation also confuses what comes after it: the first error says it all.
  const wrong = documents.flatMap(d => [...d.errors, ...d.warnings]);
  const shown = wrong.some(e => e.code === 'TAB_AS_INDENT')
    ? wrong.filter(e => e.code === 'TAB_AS_INDENT').slice(0, 1)
    : wrong.slice(0, 10);
  if (shown.length > 0) {
    const texts = shown.map(e => {
      const open = /end with a ([}\]])$/.exec(e.message);
      const at = open ? openBracket(text, e.pos[0], open[1]) : undefined;
      if (open && at !== undefined) return `${place(at)}: what begins here has no ${open[1]} at its end`;
      return `${place(e.pos[0])}: ${sentence(e.code, e.message, text, e.pos[0])}`;
    });
    throw new UserError(texts.join('\n'));
  }
  if (documents.length > 1) {
    const start = documents[1].contents?.range?.[0] ?? documents[1].range[0];
    throw new UserError(`${place(start)}: a second document begins here, wanted one`, {
      help: 'put each pipeline into a file of its own',
    });
  }
  const [document] = documents as Document.Parsed[];
  if (kind === 'json') strictJson(text, file);
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document)) return;
      throw new UserError(
        `${place(alias.range?.[0] ?? 0)}: the alias *${alias.source} names no anchor above it`,
      );
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: 1000 }), positions: positionsOf(document, lines, file) };
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Where the innermost bracket stands that is still open at an offset. */
function openBracket(text: string, offset: number, closing: string): number | undefined {
  const opening = closing === '}' ? '{' : '[';
  let open = 0;
  for (let at = offset - 1; at >= 0; at--) {
    if (text[at] === closing) open++;
    else if (text[at] === opening && open-- === 0) return at;
  }
  return undefined;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function sentence(code: string, message: string, text: string, offset: number): string {
  if (code === 'BAD_INDENT' && /^[ ]*\t/.test(text.slice(text.lastIndexOf('\n', offset - 1) + 1))) {
    return SENTENCES.TAB_AS_INDENT;
  }
  const own = SENTENCES[code];
  if (own === undefined) return lowerFirst(message);
  if (code !== 'DUPLICATE_KEY') return own;
  const key = /^[^\s:,{}]+/.exec(text.slice(offset))?.[0];
  return key === undefined ? own : `the key ${key.replace(/^["']|["']$/g, '')} stands here twice`;
}

/** What is YAML and not JSON: comments, unquoted keys, commas at the end. */
function strictJson(text: string, file: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN);
    const before = text.slice(0, Number.isNaN(offset) ? 0 : offset).split('\n');
    const place = Number.isNaN(offset) ? '' : `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    const said = message.replace(/ in JSON at position.*| \(line.*/, '');
    throw new UserError(`${file}${place}: this is not JSON: ${lowerFirst(said)}`, {
      help: 'comments and unquoted text are for YAML: name the file .yaml',
    });
  }
}

function positionsOf(document: Document.Parsed, lines: LineCounter, file: string): SourceMap {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  return {
    file,
    at: (path: DefinitionPath, part = 'value') => {
      let node: unknown = document.contents;
      let offset = offsetOf(node);
      for (let i = 0; i < path.length; i++) {
        const step = path[i];
        const parent = resolved(node);
        if (isMap(parent)) {
          const pair = parent.items.find(p => (isScalar(p.key) ? String(p.key.value) : '') === String(step));
          if (!pair) break;
          node = pair.value;
          const wantsKey = part === 'key' && i === path.length - 1;
          offset = (wantsKey ? offsetOf(pair.key) : (offsetOf(node) ?? offsetOf(pair.key))) ?? offset;
        } else if (isSeq(parent) && typeof step === 'number' && step < parent.items.length) {
          node = parent.items[step];
          offset = offsetOf(node) ?? offset;
        } else break;
      }
      if (offset === undefined) return undefined;
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) || isAlias(node) ? node.range?.[0] : undefined;
}
