/** The rules of clean.text: each finds pieces of a text to replace. */
import { Parser } from 'htmlparser2';

/** Replaces `text.slice(start, end)` by `by`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** A rule gives its edits in text order, without overlap; undefined or an empty list where it changes nothing. */
export type Rule = (text: string) => Edit[] | undefined;

export const RULES = [
  'nfc',
  'nfkc',
  'control',
  'whitespace',
  'lines',
  'dehyphenate',
  'quotes',
  'dashes',
  'urls',
  'html-tags',
  'html-entities',
  'citations',
  'underscores',
] as const;
export type RuleName = (typeof RULES)[number];

/** What each rule does, for the docs. */
export const RULE_TEXT: Readonly<Record<RuleName, string>> = {
  nfc: 'Unicode NFC: composed characters, Hangul syllables instead of jamo',
  nfkc: 'Unicode NFKC: NFC, and full-width letters, ligatures and the like as plain ones',
  control:
    'drops control characters other than tabs and line breaks, and invisible ones: zero-width spaces, soft hyphens, byte order marks, direction marks',
  whitespace: 'makes each run of white space one space, and drops it at both ends',
  lines: 'as whitespace, but keeps line breaks: at most one empty line in a row, no spaces at line ends',
  dehyphenate: 'joins words that were divided by a hyphen at the end of a line',
  quotes: 'makes typographic quotation marks plain ones',
  dashes: 'makes dashes and special hyphens a plain hyphen',
  urls: 'drops web addresses',
  'html-tags': 'drops HTML tags and comments',
  'html-entities': 'decodes HTML entities such as &amp; and &#8212;',
  citations: 'drops reference numbers in brackets, as in [12] or [3, 4]',
  underscores: 'makes underscores spaces, as in titles of Wikipedia: New_York_City',
};

/** A rule that replaces what a global pattern finds. */
function replacing(
  pattern: RegExp,
  by: string | ((found: string, text: string, at: number) => string),
): Rule {
  return text => {
    let edits: Edit[] | undefined;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const [found] = match;
      const instead = typeof by === 'string' ? by : by(found, text, match.index);
      if (instead !== found) {
        edits ??= [];
        edits.push({ start: match.index, end: match.index + found.length, by: instead });
      }
    }
    return edits;
  };
}

// what may combine with the character before: marks, vowels and finals of Hangul, voiced marks of half-width kana
const JOINING = '\\p{M}\\u1160-\\u11ff\\ud7b0-\\ud7ff\\uff9e\\uff9f';
// and, where compatibility forms are taken apart, the jamo of those
const JOINING_K = `${JOINING}\\u3131-\\u318e\\uffa0-\\uffdc`;

function normalising(form: 'NFC' | 'NFKC'): Rule {
  const joining = form === 'NFC' ? JOINING : JOINING_K;
  const parts = replacing(new RegExp(`[^${joining}]?[${joining}]+|[^\\0-\\x7f]`, 'gu'), found =>
    found.normalize(form),
  );
  return text => {
    const whole = text.normalize(form);
    if (whole === text) return undefined;
    const edits = parts(text) ?? [];
    // should a piece depend on more than itself, the text as a whole is right, and offsets inside it are near
    return applied(text, edits) === whole ? edits : [{ start: 0, end: text.length, by: whole }];
  };
}

/** A text with edits made. */
export function applied(text: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const { start, end, by } of edits) {
    out += text.slice(at, start) + by;
    at = end;
  }
  return at === 0 ? text : out + text.slice(at);
}

const decoded = new Map<string, string>();
function decodeEntity(entity: string): string {
  let text = decoded.get(entity);
  if (text === undefined) {
    text = '';
    const parser = new Parser({
      ontext: piece => {
        text += piece;
      },
    });
    parser.end(entity);
    if (decoded.size > 4096) decoded.clear();
    decoded.set(entity, text);
  }
  return text;
}

const SPACE = '[\\s\\u0085]';
const atEdge = (text: string, at: number, length: number): boolean => at === 0 || at + length === text.length;

export const rules: Readonly<Record<RuleName, Rule>> = {
  nfc: normalising('NFC'),
  nfkc: normalising('NFKC'),
  control: replacing(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+/g,
    '',
  ),
  whitespace: replacing(new RegExp(`${SPACE}+`, 'g'), (found, text, at) =>
    atEdge(text, at, found.length) ? '' : ' ',
  ),
  lines: replacing(new RegExp(`${SPACE}+`, 'g'), (found, text, at) => {
    if (atEdge(text, at, found.length)) return '';
    const breaks = found.match(/\r\n|[\n\r\u0085\u2028\u2029]/g)?.length ?? 0;
    return breaks === 0 ? ' ' : breaks === 1 ? '\n' : '\n\n';
  }),
  dehyphenate: replacing(/(?<=\p{L})[-\u2010\u00ad][^\S\n\r]*(?:\r\n|\n|\r)[^\S\n\r]*(?=\p{Ll})/gu, ''),
  quotes: replacing(/[\u2018-\u201f\u2039\u203a\u00ab\u00bb\u2032\u2033\u00b4`]/g, found =>
    /[\u2018-\u201b\u2039\u203a\u2032\u00b4`]/.test(found) ? "'" : '"',
  ),
  dashes: replacing(/[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g, '-'),
  urls: replacing(
    /(?:https?:\/\/|www\.)[^\s<>"'\u3000\u3001\u3002\p{Script=Hangul}]*[^\s<>"'.,;:!?)\]\u3000-\u3002\p{Script=Hangul}]/giu,
    '',
  ),
  'html-tags': replacing(/<!--[\s\S]*?-->|<\/?[a-z][^<>]*>|<![a-z][^<>]*>/gi, ''),
  'html-entities': replacing(/&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});/gi, decodeEntity),
  underscores: replacing(/_+/g, ' '),
  citations: replacing(/\[\d{1,3}(?:\s?[,\u2013-]\s?\d{1,3})*\]/g, ''),
};
