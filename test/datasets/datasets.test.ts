import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatasetDescriptor, DatasetRow } from '../../datasets/descriptor.ts';
import { contextId } from '../../datasets/formats/context-id.ts';
import { csvRows } from '../../datasets/formats/csv.ts';
import { parsePrintedList } from '../../datasets/formats/printed-list.ts';
import { squadDocuments, squadQuestions, utf16Offset } from '../../datasets/formats/squad.ts';
import { datasets, findDataset, verifyDataset } from '../../datasets/index.ts';

const rowsOf = async (rows: AsyncIterable<DatasetRow>): Promise<DatasetRow[]> => {
  const list: DatasetRow[] = [];
  for await (const row of rows) list.push(row);
  return list;
};
const take = (
  name: string,
  what: string,
  ctx: { split?: string; dataFolder?: string } = {},
): Promise<DatasetRow[]> => {
  const found = findDataset(name).takes[what];
  if (found === undefined) throw new Error(`${name} has no ${what}`);
  return rowsOf(found.rows(ctx));
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-datasets-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the list of datasets', () => {
  it('has one name a dataset and names its near match', () => {
    expect(new Set(datasets.map(dataset => dataset.name)).size).toBe(datasets.length);
    expect(findDataset('scifact').name).toBe('scifact');
    expect(() => findDataset('new_wiki')).toThrow('Did you mean "new-wiki"?');
    expect(() => findDataset('squad2dev')).toThrow('Did you mean "squad2-dev"?');
    expect(() => findDataset('wikipedia-full')).toThrow(
      /^no dataset "wikipedia-full"; there are: factbook, kobest-boolq, korquad1, new-wiki, nq-open, scifact, squad2-dev$/,
    );
  });

  it('says of absent data which file is wanted and what to set', async () => {
    for (const dataset of datasets.filter(dataset => dataset.name !== 'factbook')) {
      const why = await dataset.available({ dataFolder: join(folder, 'nothing') });
      expect(why).toContain(
        `dataset "${dataset.name}": ${join(folder, 'nothing', dataset.files[0]?.path ?? '')}`,
      );
      expect(why).toContain('set MILLRACE_DATA');
      const checks = await verifyDataset(dataset, { dataFolder: join(folder, 'nothing') });
      expect(checks.map(check => check.state)).toEqual(dataset.files.map(() => 'missing'));
    }
  });

  it('refuses a split that a dataset does not have', async () => {
    await expect(take('kobest-boolq', 'documents', { split: 'all' })).rejects.toThrow(
      'there are: train, dev, test',
    );
    await expect(take('nq-open', 'questions', { split: 'test' })).rejects.toThrow(
      'there are: dev, efficientqa-dev, efficientqa-test',
    );
  });

  it('finds a file whose bytes changed', async () => {
    await writeFile(join(folder, 'a.txt'), 'abc');
    const dataset = (file: { bytes?: number; sha256?: string }): DatasetDescriptor => ({
      ...findDataset('nq-open'),
      files: [{ path: 'a.txt', ...file }],
    });
    const state = async (file: { bytes?: number; sha256?: string }) =>
      (await verifyDataset(dataset(file), { dataFolder: folder })).map(check => check.state);
    // SHA-256 of "abc", FIPS 180-2, appendix B.1
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await state({ bytes: 3, sha256: abc })).toEqual(['ok']);
    expect(await state({ sha256: abc.replace('b', 'c') })).toEqual(['changed']);
    expect(await state({ bytes: 4 })).toEqual(['changed']);
    expect(await state({})).toEqual(['unchecked']);
  });
});

describe('a printed list', () => {
  it('is read with both quotes, escapes, and any white space or comma between', () => {
    expect(parsePrintedList(`['one.'\n "it's two."  'a "quoted" one', 'x\\'y\\\\z\\n\\xe9\\u2009']`)).toEqual(
      ['one.', "it's two.", 'a "quoted" one', "x'y\\z\n\u00e9\u2009"],
    );
    expect(parsePrintedList('[]')).toEqual([]);
  });

  it('is refused where something else stands, with the place', () => {
    expect(() => parsePrintedList("['a' b]")).toThrow('found "b]" at offset 5');
    expect(() => parsePrintedList("['a")).toThrow("wanted the closing '");
    expect(() => parsePrintedList('plain')).toThrow('wanted "["');
    expect(() => parsePrintedList("['\\q']")).toThrow('wanted a known escape');
    expect(() => parsePrintedList("['a'] tail")).toThrow('wanted nothing after');
  });
});

describe('CSV', () => {
  it('keeps line breaks and doubled quotes of a quoted cell, and names a row that is too wide', async () => {
    expect(await rowsOf(csvRows('id,text\n1,"say ""hi"",\nthere"\n', 't.csv'))).toEqual([
      { id: '1', text: 'say "hi",\nthere' },
    ]);
    await expect(rowsOf(csvRows('id,text\n1,a\n2,b,c\n', 't.csv'))).rejects.toThrow('t.csv: row 2');
    await expect(rowsOf(csvRows('id,text\n1\n', 't.csv'))).rejects.toThrow('t.csv: row 1');
  });
});

describe('SQuAD format', () => {
  it('names contexts by their text, once each, and counts offsets in UTF-16', async () => {
    const context = '\u{1F600} smile, \u{20000} old.';
    const qas = [{ id: 'q', question: 'What?', answers: [{ text: 'old', answer_start: 11 }] }];
    const file = {
      data: [
        {
          title: 'T',
          paragraphs: [
            { context, qas },
            { context, qas: [{ id: 'r', question: 'Why?' }] },
          ],
        },
      ],
    };
    const path = join(folder, 'squad.json');
    await writeFile(path, JSON.stringify(file));

    // The first 16 digits of the SHA-256 of the UTF-8 text, by sha256sum.
    expect(contextId('abc')).toBe('ba7816bf8f01cfea');
    const id = contextId(context);
    expect(await rowsOf(squadDocuments([path, path]))).toEqual([{ doc_id: id, title: 'T', text: context }]);
    const [first, second] = await rowsOf(squadQuestions(path));
    expect(first).toMatchObject({ answers: ['old'], answer_starts: [13], doc_ids: [id] });
    expect(context.slice(13, 16)).toBe('old');
    expect(second).toMatchObject({ question_id: 'r', answers: [], answer_starts: [], doc_ids: [id] });
    expect(utf16Offset('abc', 2)).toBe(2);
  });

  it('is refused by name where it is something else', async () => {
    const path = join(folder, 'other.json');
    await writeFile(path, '{"rows": []}');
    await expect(rowsOf(squadDocuments([path]))).rejects.toThrow('other.json: not SQuAD format');
  });
});

describe('SciFact', () => {
  it('reads abstracts whose cells hold escaped quotes, and joins judgements to claims', async () => {
    const data = join(folder, 'data');
    await mkdir(join(data, 'scifact'), { recursive: true });
    const corpus = `doc_id,title,abstract,structured\n7,"A ""title""","['It\\'s one.'\n ""Crick's ${'\\x41'} and 'B'.""]",False\n`;
    const claims =
      'id,claim,evidence_doc_id,cited_doc_ids\n1,"C, one",7,[ 7 12]\n1,"C, one",7,[ 7 12]\n2,Two,,[7]\n';
    const bytes = (text: string) => new TextEncoder().encode(text);
    const zip = zipSync({ 'corpus_train.csv': bytes(corpus), 'claims_train.csv': bytes(claims) });
    await writeFile(join(data, 'scifact/scifact.zip'), zip);
    expect(await take('scifact', 'documents', { dataFolder: data })).toEqual([
      { doc_id: '7', title: 'A "title"', text: "It's one. Crick's A and 'B'." },
    ]);
    expect(await take('scifact', 'questions', { dataFolder: data, split: 'train' })).toEqual([
      { question_id: '1', question: 'C, one', doc_ids: ['7', '12'], relevance: [1, 1], split: 'train' },
      { question_id: '2', question: 'Two', doc_ids: ['7'], relevance: [1], split: 'train' },
    ]);
  });
});
