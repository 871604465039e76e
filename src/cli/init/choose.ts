/** Guesses which fields of somebody's records are the id, the text and the title, and which analyzer fits. */
import { DataType } from 'apache-arrow';
import type { Sample } from '../source.ts';

/** What was chosen, with the reason in a few words. */
export interface Choice {
  readonly field?: string;
  readonly why: string;
}

export interface Fields {
  readonly id: Choice;
  readonly text: Choice;
  readonly title: Choice;
}

const TEXT_NAMES = [
  'text',
  'contents',
  'content',
  'body',
  'passage',
  'context',
  'paragraph',
  'abstract',
  'article',
  'document',
  'description',
  'answer',
  'page_content',
  '본문',
  '내용',
];
const TITLE_NAMES = ['title', 'name', 'heading', 'headline', 'subject', 'label', '제목', '이름'];
const ID_NAMES = [
  'doc_id',
  '_id',
  'id',
  'docid',
  'document_id',
  'pid',
  'uid',
  'uuid',
  'key',
  'no',
  'number',
  'url',
];

/** Titles are short: a field whose values are longer on the mean is none. */
const LONGEST_TITLE = 150;

interface Stats {
  readonly name: string;
  readonly isText: boolean;
  readonly isWhole: boolean;
  /** Mean characters of the values that are there. */
  readonly length: number;
  readonly filled: number;
  readonly unique: boolean;
}

function statsOf(sample: Sample, name: string): Stats {
  const type = sample.columns[name].type;
  const seen = new Set<string>();
  let length = 0;
  let filled = 0;
  for (const row of sample.rows) {
    const value = row[name];
    if (value === null || value === undefined || value === '') continue;
    const text = String(value);
    filled++;
    length += text.length;
    seen.add(text);
  }
  return {
    name,
    isText: DataType.isUtf8(type),
    isWhole: DataType.isInt(type),
    length: filled === 0 ? 0 : length / filled,
    filled: sample.rows.length === 0 ? 0 : filled / sample.rows.length,
    unique: filled > 0 && seen.size === filled,
  };
}

const rank = (names: readonly string[], name: string): number => {
  const at = names.indexOf(name.toLowerCase());
  return at < 0 ? names.length : at;
};

function chooseText(stats: readonly Stats[]): Choice {
  const texts = stats.filter(s => s.isText && s.filled >= 0.5);
  const named = texts
    .filter(s => TEXT_NAMES.includes(s.name.toLowerCase()))
    .sort((a, b) => rank(TEXT_NAMES, a.name) - rank(TEXT_NAMES, b.name));
  const longest = [...texts].sort((a, b) => b.length - a.length)[0];
  // a name says more than a length, unless another field is far longer
  const best = named.find(s => s.length * 4 >= longest.length) ?? longest;
  if (!best) return { why: 'no field holds text' };
  const how = best === longest ? 'the longest text' : 'named like a text';
  return { field: best.name, why: `${how}, ${Math.round(best.length)} characters on the mean` };
}

function chooseTitle(stats: readonly Stats[], taken: ReadonlySet<string>): Choice {
  const named = stats
    .filter(s => s.isText && !taken.has(s.name) && s.length <= LONGEST_TITLE && s.filled >= 0.5)
    .filter(s => TITLE_NAMES.includes(s.name.toLowerCase()))
    .sort((a, b) => rank(TITLE_NAMES, a.name) - rank(TITLE_NAMES, b.name))[0];
  return named ? { field: named.name, why: 'named like a title' } : { why: 'no field is named like a title' };
}

function chooseId(stats: readonly Stats[], taken: ReadonlySet<string>): Choice {
  const fit = stats.filter(s => (s.isText || s.isWhole) && s.filled === 1 && s.unique && !taken.has(s.name));
  const named = fit
    .filter(
      s => ID_NAMES.includes(s.name.toLowerCase()) || /(^|[_-])id$/i.test(s.name) || /[a-z]Id$/.test(s.name),
    )
    .sort((a, b) => rank(ID_NAMES, a.name) - rank(ID_NAMES, b.name))[0];
  if (named) return { field: named.name, why: 'named like an id, every value once' };
  const wrong = stats.find(s => ID_NAMES.slice(0, 6).includes(s.name.toLowerCase()));
  const why = wrong
    ? `"${wrong.name}" ${wrong.filled < 1 ? 'is empty in some rows' : 'is not unique'}, so ids are made of file and row`
    : 'no field is named like an id, so ids are made of file and row';
  return { why };
}

/** Chooses among the columns of a sample. */
export function chooseFields(sample: Sample): Fields {
  const stats = Object.keys(sample.columns).map(name => statsOf(sample, name));
  const text = chooseText(stats);
  const taken = new Set(text.field === undefined ? [] : [text.field]);
  const title = chooseTitle(stats, taken);
  if (title.field !== undefined) taken.add(title.field);
  return { text, title, id: chooseId(stats, taken) };
}

// words that hold English together and are rare elsewhere
const ENGLISH = /\b(the|and|of|to|is|was|that|with|for|are)\b/gi;

/** The analyzer for some texts: `korean` for Hangul, `english` where its small words are there, else `standard`. */
export function chooseAnalyzer(texts: readonly string[]): {
  name: 'korean' | 'english' | 'standard';
  why: string;
} {
  const all = texts.join(' ').slice(0, 200_000).normalize('NFC');
  const letters = all.match(/\p{L}/gu)?.length ?? 0;
  const hangul = all.match(/\p{Script=Hangul}/gu)?.length ?? 0;
  if (letters > 0 && hangul / letters >= 0.2) {
    return { name: 'korean', why: `${Math.round((100 * hangul) / letters)}% of the letters are Hangul` };
  }
  const words = all.match(/\p{L}+/gu)?.length ?? 0;
  const english = all.match(ENGLISH)?.length ?? 0;
  if (words > 0 && english / words >= 0.08) return { name: 'english', why: 'the texts look English' };
  return { name: 'standard', why: 'the language is neither English nor Korean, as far as the texts say' };
}

/** The number of words that nine of ten texts do not go beyond. */
export function longTextWords(texts: readonly string[]): number {
  const words = texts.map(t => t.match(/\S+/g)?.length ?? 0).sort((a, b) => a - b);
  return words[Math.ceil(0.9 * words.length) - 1] ?? 0;
}
