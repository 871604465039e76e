/**
 * Sentence boundaries by Intl.Segmenter (Unicode Standard Annex 29), whose time a sentence grows with the length of
 * the string it is given: 14 million characters a second on 144 characters, .08 on 144,000. So texts are handed over
 * in lines (which always end a sentence) and long lines in windows, without changing a boundary.
 */

/** Characters in a window. */
const WINDOW = 1024;

/** Abbreviations after which a sentence goes on, and those after which it does before a number, without the stop. */
const ENGLISH_ALWAYS =
  'Mr Mrs Ms Messrs Dr Drs Prof St Ste Mt Ft Gen Col Lt Sgt Cpl Capt Cmdr Cdr Maj Adm Rev Fr Hon Gov Sen Rep Pres Supt Dept Univ cf vs viz approx ca e.g i.e eg ie al ed eds trans';
const ENGLISH_BEFORE_NUMBER =
  'No Nos Fig Figs Eq Eqs Sec Ch Vol Vols Art p pp para Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec';
/** Words that begin a sentence rather than follow an initial: "vitamin C. The", but "J. Smith". */
const ENGLISH_STARTERS = new Set(
  'The An It He She We They You This That These Those There His Her Its Their Our In On At By For From After When While As But And If'.split(
    ' ',
  ),
);

/** Decides whether the sentence that ends before `at` goes on there. */
export type Joins = (text: string, start: number, at: number) => boolean;

/** The word before a full stop and white space at the end of a segment. */
const LAST_WORD = /(?:^|[\s("'\u2018\u201c[])([\p{L}.]+)\.\s*$/u;
const LETTER = /\p{L}/u;

/**
 * Joins after abbreviations. For English also after one capital letter (an initial, as in "J. Smith").
 * @param language `en` has lists of its own. @param more further abbreviations, without their last stop.
 */
export function abbreviations(language: string, more: readonly string[] = []): Joins | undefined {
  const english = language === 'en' || language.startsWith('en-');
  if (!english && more.length === 0) return undefined;
  const always = new Set(more.map(word => word.replace(/\.$/, '')));
  const beforeNumber = new Set<string>();
  if (english) {
    for (const word of ENGLISH_ALWAYS.split(' ')) always.add(word);
    for (const word of ENGLISH_BEFORE_NUMBER.split(' ')) beforeNumber.add(word);
  }
  return (text, start, at) => {
    // no abbreviation is longer than this, so long sentences cost no more than short ones
    const word = LAST_WORD.exec(text.slice(Math.max(start, at - 32), at))?.[1];
    if (word === undefined) return false;
    if (always.has(word)) return true;
    if (english && word.length === 1 && word !== 'I' && /\p{Lu}/u.test(word)) {
      const next = /^\p{Lu}[\p{L}.]*/u.exec(text.slice(at, at + 32))?.[0];
      return next !== undefined && next.length > 1 && !ENGLISH_STARTERS.has(next);
    }
    return beforeNumber.has(word) && /^\d/.test(text.slice(at, at + 1));
  };
}

/**
 * Calls `give` with the UTF-16 range of each sentence of a text, in order, white space at both ends left out.
 * Sentences without any other character are left out altogether.
 */
export function eachSentence(
  text: string,
  segmenter: Intl.Segmenter,
  joins: Joins | undefined,
  give: (start: number, end: number) => void,
): void {
  for (let lineStart = 0; lineStart < text.length; ) {
    const lineEnd = endOfLine(text, lineStart);
    let open = -1;
    const segment = (start: number, end: number): void => {
      if (open >= 0) {
        if (joins?.(text, open, start)) return;
        trimmed(text, open, start, give);
      }
      open = start;
      if (end === lineEnd) trimmed(text, open, end, give);
    };
    inWindows(text, lineStart, lineEnd, segmenter, segment);
    lineStart = lineEnd;
  }
}

/** Segments of `text[from, end)`, each with its start and end. */
function inWindows(
  text: string,
  from: number,
  end: number,
  segmenter: Intl.Segmenter,
  segment: (start: number, end: number) => void,
): void {
  let size = WINDOW;
  while (from < end) {
    const to = Math.min(end, from + size);
    const whole = to === end;
    const starts: number[] = [];
    for (const { index } of segmenter.segment(text.slice(from, to))) starts.push(from + index);
    // the last one may go on past the window; where it holds a letter, the break before it is settled
    const done = whole ? starts.length : starts.length - 1;
    if (done === 0 || (!whole && !LETTER.test(text.slice(starts[done], to)))) {
      size *= 2;
      continue;
    }
    for (let i = 0; i < done; i++) segment(starts[i], i + 1 < starts.length ? starts[i + 1] : to);
    from = whole ? end : starts[done];
    size = WINDOW;
  }
}

/** Where the line that begins at `from` ends, its separator included. */
function endOfLine(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0x0d && c < 0x85) continue;
    if (c === 0x0d) return text.charCodeAt(i + 1) === 0x0a ? i + 2 : i + 1;
    if (c === 0x0a || c === 0x85 || c === 0x2028 || c === 0x2029) return i + 1;
  }
  return text.length;
}

function trimmed(text: string, start: number, end: number, give: (start: number, end: number) => void): void {
  let a = start;
  let b = end;
  while (a < b && isSpace(text.charCodeAt(a))) a++;
  while (b > a && isSpace(text.charCodeAt(b - 1))) b--;
  if (a < b) give(a, b);
}

/** Unicode's White_Space property. */
function isSpace(c: number): boolean {
  if (c <= 0x20) return c === 0x20 || (c >= 0x09 && c <= 0x0d);
  if (c < 0x85) return false;
  return (
    c === 0x85 ||
    c === 0xa0 ||
    c === 0x1680 ||
    (c >= 0x2000 && c <= 0x200a) ||
    c === 0x2028 ||
    c === 0x2029 ||
    c === 0x202f ||
    c === 0x205f ||
    c === 0x3000
  );
}
