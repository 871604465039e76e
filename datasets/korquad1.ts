import { join } from 'node:path';
import { checkSplit, type DatasetDescriptor } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';
import { squadDocuments, squadQuestions } from './formats/squad.ts';

const FILE = {
  path: 'korquad1/KorQuAD_v1.0_dev.json',
  bytes: 3881058,
  sha256: '25ffeb51e6c51ec02c071b60a10188e10005c144110f0d876b26079d80a35bdf',
};
const SPLITS = ['dev'] as const;
const HOMEPAGE = 'https://korquad.github.io/KorQuad%201.0/';

export const korquad1: DatasetDescriptor = {
  name: 'korquad1',
  summary:
    'KorQuAD 1.0, development set: 961 distinct Korean paragraphs of 140 articles and 5,774 questions.',
  homepage: HOMEPAGE,
  licence: 'CC BY-ND 2.0 KR: pass it on unmodified only',
  origin:
    'LG CNS, 2018: crowd workers wrote the questions beside paragraphs of the Korean Wikipedia, so the two share ' +
    'words and word stems; one answer a question. It is read in memory and never written out changed.',
  files: [FILE],
  splits: SPLITS,
  takes: {
    documents: {
      summary: 'Distinct paragraphs, named by a hash of their text.',
      columns: { doc_id: 'utf8', title: 'utf8', text: 'utf8' },
      key: ['doc_id'],
      rows: ctx => squadDocuments([join(dataFolder(ctx), FILE.path)]),
    },
    questions: {
      summary: 'Questions, each with its answer and its paragraph.',
      columns: {
        question_id: 'utf8',
        question: 'utf8',
        answers: 'list<utf8>',
        answer_starts: 'list<int32>',
        doc_ids: 'list<utf8>',
        title: 'utf8',
        split: 'utf8',
      },
      key: ['question_id'],
      splits: SPLITS,
      async *rows(ctx) {
        checkSplit('korquad1', SPLITS, ctx.split);
        for await (const question of squadQuestions(join(dataFolder(ctx), FILE.path))) {
          yield { ...question, split: 'dev' };
        }
      },
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('korquad1', dataFolder(ctx), [FILE], HOMEPAGE),
};
