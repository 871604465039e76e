import { createHash } from 'node:crypto';
import type { CountryFile } from './package.ts';
import { TEMPLATES } from './templates/index.ts';
import type { Template } from './templates/template.ts';
import { cleanValue, type FactbookField, type FactbookSection } from './text.ts';

/** A country with its fields as the package has them and its documents as they are read. */
export interface Country extends CountryFile {
  sections: Readonly<Record<string, FactbookSection>>;
  /** By section: the document's id and text. */
  documents: Readonly<Record<string, { doc_id: string; text: string }>>;
}

export interface BareQuestion {
  question_id: string;
  question: string;
  answers: string[];
  doc_ids: string[];
}

/** Questions a template may give, and a country over all templates. */
const PER_TEMPLATE = 6;
const PER_COUNTRY = 2;

/** A number in [0, 2^32) that depends on the words alone: what is drawn never changes with what is added. */
export function draw(...words: string[]): number {
  return createHash('sha256').update(words.join('\n')).digest().readUInt32BE(0);
}

/** The name as it stands inside a sentence. */
export function inSentence(name: string): string {
  if (name.startsWith('The ')) return `the ${name.slice(4)}`;
  const plural = /(?:Islands|Republic|Emirates|Kingdom|States|Territory|Strip|Bank|Union)$/.test(name);
  const named =
    /^(?:Netherlands|Philippines|Maldives|Comoros|Seychelles|Republic of|Democratic Republic of|Isle of)/;
  return plural || named.test(name) ? `the ${name}` : name;
}

function adjectiveOf(country: Country): string | undefined {
  const field = country.sections['People and Society']?.Nationality as FactbookField | undefined;
  const adjective = (field?.adjective as { text?: string | null } | undefined)?.text ?? '';
  return /^[A-Z][a-z]+$/.test(adjective) ? adjective : undefined;
}

function fieldValue(template: Template, country: Country): string {
  const field = country.sections[template.section]?.[template.field];
  if (field === undefined) return '';
  const part =
    template.part === undefined ? field : (field[template.part] as { text?: string | null } | undefined);
  return cleanValue(part?.text);
}

/** The template's question about a country, or nothing where its field holds no answer to ask for. */
function questionOf(template: Template, country: Country): BareQuestion | undefined {
  const document = country.documents[template.section];
  const taken = template.take(fieldValue(template, country));
  if (document === undefined || taken === undefined || taken.answers.length === 0) return undefined;
  if (!taken.answers.every(answer => document.text.includes(answer))) return undefined;
  // An answer that the question itself gives away is none.
  if (taken.answers.some(answer => country.name.includes(answer) || answer.includes(country.name)))
    return undefined;

  const adjective = adjectiveOf(country);
  const ways = template.ask.filter(way => adjective !== undefined || !way.includes('{A}'));
  const way = ways[draw('way', template.id, country.code) % ways.length];
  if (way === undefined) return undefined;
  const question = way
    .replace('{C}', inSentence(country.name))
    .replace('{A}', adjective ?? '')
    .replace('{X}', inSentence(taken.about ?? ''));

  // "75.09 years" is also right without its unit; a figure as short as "34" would be found in any text.
  const bare = taken.answers.map(answer => /^([\d.,-]{3,}%?) (?!.*illion)[a-z]/.exec(answer)?.[1] ?? '');
  const answers = [...taken.answers, ...bare.filter(figure => figure.length > 3)];
  const docIds = [document.doc_id];
  const also = template.also;
  const other = also && country.documents[also.section];
  if (also && other && also.mark(taken.answers[0] ?? '').test(other.text)) {
    docIds.push(other.doc_id);
    const alias = also.alias?.(taken.answers[0] ?? '');
    if (alias !== undefined && !answers.includes(alias)) answers.push(alias);
  }
  return { question_id: `derived-${template.id}-${country.code}`, question, answers, doc_ids: docIds };
}

/**
 * The derived questions: for each template the countries that come first in an order drawn for it, each
 * country at most twice over all templates. The same countries and templates give the same questions.
 */
export function derivedQuestions(countries: readonly Country[]): BareQuestion[] {
  // The oceans, the world, the European Union and uninhabited islands do not fit what the templates say.
  const inhabited = countries.filter(
    ({ code, sections }) =>
      !['xx', 'ee'].includes(code) && /^\d/.test(sections['People and Society']?.Population?.text ?? ''),
  );
  const asked = new Map<string, number>();
  const questions: BareQuestion[] = [];
  for (const template of TEMPLATES) {
    const order = [...inhabited].sort(
      (a, b) =>
        draw('order', template.id, a.code) - draw('order', template.id, b.code) || (a.code < b.code ? -1 : 1),
    );
    let taken = 0;
    for (const country of order) {
      if (taken === PER_TEMPLATE) break;
      if ((asked.get(country.code) ?? 0) >= PER_COUNTRY) continue;
      const question = questionOf(template, country);
      if (question === undefined) continue;
      questions.push(question);
      asked.set(country.code, (asked.get(country.code) ?? 0) + 1);
      taken++;
    }
  }
  return questions;
}
