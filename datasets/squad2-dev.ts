import { join } from 'node:path';
import { articleSplit } from './article-split.ts';
import { checkSplit, type DatasetContext, type DatasetDescriptor, type DatasetRow } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';
import { squadDocuments, squadQuestions } from './formats/squad.ts';

const ANSWERED = {
  path: 'squad2-dev/dev-half.dev-v2.0.json',
  sha256: 'e67e5969b6dc6c1642154740806b79263b77fc048c7c11ee60d534eb48ef81e8',
};
const WITHHELD = {
  path: 'squad2-dev/other-half-no-answers.test-v2.0.json',
  sha256: '236eb1109ecfa6196db7e9a5a7cfb6011e54548fd3e68be4fb298895f33ce898',
};
const BY_ARTICLE = {
  path: 'splits/by-article.json',
  sha256: '2492816c034d9f0183b23aae1c23992aa781affd130de18455527aad2159f91f',
};
const FILES = [ANSWERED, WITHHELD, BY_ARTICLE];
const SPLITS = ['train', 'dev', 'test', 'withheld'] as const;
const HOMEPAGE = 'https://rajpurkar.github.io/SQuAD-explorer/';

async function* questions(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  checkSplit('squad2-dev', SPLITS, ctx.split);
  if (ctx.split !== 'withheld') {
    const splitOf = await articleSplit(
      join(dataFolder(ctx), BY_ARTICLE.path),
      'squad2-dev-half',
      'squad2-dev',
      ctx,
    );
    const wanted = (title: string) => ctx.split === undefined || splitOf(title) === ctx.split;
    for await (const question of squadQuestions(join(dataFolder(ctx), ANSWERED.path), wanted)) {
      yield { ...question, split: splitOf(question.title) };
    }
  }
  if (ctx.split === undefined || ctx.split === 'withheld') {
    for await (const question of squadQuestions(join(dataFolder(ctx), WITHHELD.path))) {
      yield { ...question, split: 'withheld' };
    }
  }
}

export const squad2Dev: DatasetDescriptor = {
  name: 'squad2-dev',
  summary:
    'Both halves of the SQuAD 2.0 development set: 1,216 English paragraphs, half of the questions unanswerable.',
  homepage: HOMEPAGE,
  licence: 'CC BY-SA 4.0',
  origin:
    'SQuAD 2.0 (Rajpurkar, Jia & Liang 2018). Of the 6,078 questions of one half, 3,168 have no answer and an empty ' +
    'list; the answers of the other half (5,915 questions, split "withheld") are not published, so their list is ' +
    'empty too: they are of use as distractors, not as measures. Splits of the first half are by article: 8 train, ' +
    '4 dev and 4 test, in the order of the SHA-256 of the title. The questions were written beside the paragraph.',
  files: FILES,
  splits: SPLITS,
  takes: {
    documents: {
      summary: 'Paragraphs of both halves, named by a hash of their text.',
      columns: { doc_id: 'utf8', title: 'utf8', text: 'utf8' },
      key: ['doc_id'],
      rows: ctx => squadDocuments([ANSWERED, WITHHELD].map(file => join(dataFolder(ctx), file.path))),
    },
    questions: {
      summary: 'Questions; an empty list of answers where there is none or it is withheld.',
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
      rows: questions,
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('squad2-dev', dataFolder(ctx), FILES, HOMEPAGE),
};
