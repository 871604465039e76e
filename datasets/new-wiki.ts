import { join } from 'node:path';
import { articleSplit } from './article-split.ts';
import type { DatasetDescriptor } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';
import { squadDocuments, squadQuestions } from './formats/squad.ts';

const FILE = {
  path: 'squadshifts/new_wiki_v1.0.json',
  sha256: '1d50a0ca4cdab88d038b52ea8a2d0510af6038d7f41a0a256b9659237769d0ee',
};
const BY_ARTICLE = {
  path: 'splits/by-article.json',
  sha256: '2492816c034d9f0183b23aae1c23992aa781affd130de18455527aad2159f91f',
};
const SPLITS = ['train', 'dev', 'test'] as const;
const HOMEPAGE = 'https://modestyachts.github.io/squadshifts-website/';

export const newWiki: DatasetDescriptor = {
  name: 'new-wiki',
  summary:
    '1,581 paragraphs of 48 English Wikipedia articles and 7,938 questions on them, in the manner of SQuAD.',
  homepage: HOMEPAGE,
  licence: 'CC BY 4.0',
  origin:
    'SQuADShifts (Miller, Krauth, Recht & Schmidt 2020), the "new Wikipedia" set: crowd workers wrote the ' +
    'questions looking at the paragraph, so they share many of its words, and some make sense only beside it. ' +
    'Splits are by article, 24 train, 12 dev and 12 test, in the order of the SHA-256 of the title.',
  files: [FILE, BY_ARTICLE],
  splits: SPLITS,
  takes: {
    documents: {
      summary: 'Paragraphs of all articles, named by a hash of their text.',
      columns: { doc_id: 'utf8', title: 'utf8', text: 'utf8' },
      key: ['doc_id'],
      rows: ctx => squadDocuments([join(dataFolder(ctx), FILE.path)]),
    },
    questions: {
      summary: 'Questions with the answers of up to five annotators.',
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
        const splitOf = await articleSplit(
          join(dataFolder(ctx), BY_ARTICLE.path),
          'new_wiki',
          'new-wiki',
          ctx,
        );
        const wanted = (title: string) => ctx.split === undefined || splitOf(title) === ctx.split;
        for await (const question of squadQuestions(join(dataFolder(ctx), FILE.path), wanted)) {
          yield { ...question, split: splitOf(question.title) };
        }
      },
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('new-wiki', dataFolder(ctx), [FILE, BY_ARTICLE], HOMEPAGE),
};
