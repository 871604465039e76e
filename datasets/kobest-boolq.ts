import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSplit, type DatasetContext, type DatasetDescriptor, type DatasetRow } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';
import { contextId } from './formats/context-id.ts';

const SPLITS = ['train', 'dev', 'test'] as const;
const FILES = [
  {
    path: 'kobest-boolq/train.tsv',
    bytes: 1942905,
    sha256: 'c2342714366e2beef0d8bedeea64ab9aa315747c1e900da678714531ab1c0f75',
  },
  {
    path: 'kobest-boolq/dev.tsv',
    bytes: 363093,
    sha256: '946d62e3230b349a00a57b3ab2c4bef16b466ef05746f3082e817ddf889fc293',
  },
  {
    path: 'kobest-boolq/test.tsv',
    bytes: 734804,
    sha256: 'd58309601b578f96c7f9b9d7437112f93ae872f69316a9e6a1d78eec34261d0b',
  },
];
const HOMEPAGE = 'https://huggingface.co/datasets/skt/kobest_v1';

async function* documents(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  checkSplit('kobest-boolq', SPLITS, ctx.split);
  const seen = new Set<string>();
  for (const split of SPLITS) {
    if (ctx.split !== undefined && ctx.split !== split) continue;
    const path = `kobest-boolq/${split}.tsv`;
    const lines = (await readFile(join(dataFolder(ctx), path), 'utf8')).split('\r\n');
    if (lines[0] !== 'ID\tText\tQuestion\tAnswer') {
      throw new Error(
        `${path}:1: found "${lines[0]}", wanted the columns ID, Text, Question, Answer and CRLF line ends`,
      );
    }
    for (const [index, line] of lines.entries()) {
      if (index === 0 || line === '') continue;
      // The cells are not quoted: a quotation mark belongs to the text.
      const cells = line.split('\t');
      if (cells.length !== 4) throw new Error(`${path}:${index + 1}: found ${cells.length} cells, wanted 4`);
      const text = cells[1] ?? '';
      const id = contextId(text);
      if (seen.has(id)) continue;
      seen.add(id);
      yield { doc_id: id, title: '', text };
    }
  }
}

export const kobestBoolq: DatasetDescriptor = {
  name: 'kobest-boolq',
  summary: '5,757 distinct Korean paragraphs, used as distractors beside other Korean corpora.',
  homepage: HOMEPAGE,
  licence: 'CC BY-SA 4.0',
  origin:
    'The BoolQ task of KoBEST (Kim et al. 2022), whose paragraphs come from the Korean Wikipedia. Its yes/no ' +
    'questions are left out: they ask about the paragraph at hand and do not name what they search. Paragraphs ' +
    'have no titles, so that column is empty.',
  files: FILES,
  splits: SPLITS,
  takes: {
    documents: {
      summary: 'Distinct paragraphs, named by a hash of their text; a split gives those of its file.',
      columns: { doc_id: 'utf8', title: 'utf8', text: 'utf8' },
      key: ['doc_id'],
      splits: SPLITS,
      rows: documents,
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('kobest-boolq', dataFolder(ctx), FILES, HOMEPAGE),
};
