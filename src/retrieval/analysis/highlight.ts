import type { Analyzer, TermSpan } from './analyzer.ts';

/** UTF-16 code units `text.slice(start, end)`. */
export interface Span {
  start: number;
  end: number;
}

export interface MarkOptions {
  /** Put before a match; default `<em>`. */
  open?: string;
  /** Put after a match; default `</em>`. */
  close?: string;
  /** Applied to all text, marked or not, before it is put together: an HTML escape, for one. */
  escape?: (text: string) => string;
}

export interface Passage extends Span {
  /** `text.slice(start, end)`. */
  text: string;
  /** The matches inside, in the offsets of the whole text. */
  matches: Span[];
}

/** The terms of a query, from its text or as a list of terms the analyzer gave. */
export type QueryTerms = string | readonly string[];

function termSet(query: QueryTerms, analyzer: Analyzer): Set<string> {
  return new Set(typeof query === 'string' ? analyzer.terms(query) : query);
}

function matching(text: string, query: QueryTerms, analyzer: Analyzer): TermSpan[] {
  const wanted = termSet(query, analyzer);
  return wanted.size === 0 ? [] : analyzer.spans(text).filter(span => wanted.has(span.term));
}

/** Sorted spans with those that overlap or touch made one (bigrams of a word become the word's part). */
function union(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = out.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else out.push({ start, end });
  }
  return out;
}

/** Where the words of a query occur in a text, as the analyzer sees both: disjoint spans in order. */
export function matchSpans(text: string, query: QueryTerms, analyzer: Analyzer): Span[] {
  return union(matching(text, query, analyzer));
}

/** The text with the words of a query marked. */
export function markMatches(
  text: string,
  query: QueryTerms,
  analyzer: Analyzer,
  options: MarkOptions = {},
): string {
  const { open = '<em>', close = '</em>', escape: safe = (part: string) => part } = options;
  let out = '';
  let at = 0;
  for (const { start, end } of matchSpans(text, query, analyzer)) {
    out += `${safe(text.slice(at, start))}${open}${safe(text.slice(start, end))}${close}`;
    at = end;
  }
  return out + safe(text.slice(at));
}

/**
 * The stretch of at most `width` UTF-16 units that holds most of a query: distinct terms count before
 * repeats, earlier before later. It begins and ends on word borders where there are any near, and never
 * inside a surrogate pair. Without a match it is the beginning of the text.
 */
export function bestPassage(text: string, query: QueryTerms, analyzer: Analyzer, width: number): Passage {
  const found = matching(text, query, analyzer);
  let best = { from: 0, to: -1, distinct: 0, total: 0 };
  const counts = new Map<string, number>();
  let from = 0;
  for (let to = 0; to < found.length; to++) {
    counts.set(found[to].term, (counts.get(found[to].term) ?? 0) + 1);
    while (from < to && found[to].end - found[from].start > width) {
      const term = found[from++].term;
      const left = (counts.get(term) ?? 1) - 1;
      if (left === 0) counts.delete(term);
      else counts.set(term, left);
    }
    const total = to - from + 1;
    if (counts.size > best.distinct || (counts.size === best.distinct && total > best.total)) {
      best = { from, to, distinct: counts.size, total };
    }
  }
  const inner =
    best.to < 0 ? { start: 0, end: 0 } : { start: found[best.from].start, end: found[best.to].end };
  const { start, end } = widen(text, inner, width);
  const matches = union(found).flatMap(m =>
    m.end <= start || m.start >= end ? [] : [{ start: Math.max(start, m.start), end: Math.min(end, m.end) }],
  );
  return { start, end, text: text.slice(start, end), matches };
}

/** Grows a span on both sides to `width`, then back to word borders outside the span itself. */
function widen(text: string, inner: Span, width: number): Span {
  const spare = Math.max(0, width - (inner.end - inner.start));
  let start = Math.max(0, inner.start - Math.floor(spare / 2));
  let end = Math.min(text.length, start + Math.max(width, 0));
  start = Math.max(0, Math.min(start, end - width));
  if (start > 0) {
    const blank = text.slice(start, inner.start).search(/\s/);
    if (/\S/.test(text[start - 1]) && blank >= 0) start += blank;
    while (start < inner.start && /\s/.test(text[start])) start++;
  }
  if (end < text.length) {
    let cut = end;
    if (/\S/.test(text[end])) while (cut > inner.end && /\S/.test(text[cut - 1])) cut--;
    // A word longer than the room is cut rather than losing everything.
    if (cut > inner.end) end = cut;
    while (end > inner.end && /\s/.test(text[end - 1])) end--;
  }
  if (isTrail(text, start)) start++;
  if (end < text.length && isTrail(text, end)) end--;
  return { start: Math.min(start, end), end };
}

/** Whether a cut here would part a surrogate pair. */
function isTrail(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}

/** `bestPassage` as text, matches marked, with `…` where text was left out. */
export function snippet(
  text: string,
  query: QueryTerms,
  analyzer: Analyzer,
  width: number,
  options: MarkOptions = {},
): string {
  const { open = '<em>', close = '</em>', escape: safe = (part: string) => part } = options;
  const passage = bestPassage(text, query, analyzer, width);
  let out = passage.start > 0 ? '…' : '';
  let at = passage.start;
  for (const { start, end } of passage.matches) {
    out += `${safe(text.slice(at, start))}${open}${safe(text.slice(start, end))}${close}`;
    at = end;
  }
  out += safe(text.slice(at, passage.end));
  return passage.end < text.length ? `${out}…` : out;
}
