import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSplit, type DatasetContext, type DatasetDescriptor, type DatasetRow } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';

const SPLIT_FILES = {
  dev: {
    path: 'nq-open/NQ-open.dev.jsonl',
    bytes: 391316,
    sha256: 'f15567f38099f3615f5b8a685c0aef449c11ad90d3da3735e8d1b98115b40616',
  },
  'efficientqa-dev': {
    path: 'nq-open/NQ-open.efficientqa.dev.1.1.jsonl',
    bytes: 194998,
    sha256: '0ad45e2fa9fd32d10b3cf08c63e6d22f97ba1a0ce44ea98040f4c18bce7e268d',
  },
  'efficientqa-test': {
    path: 'nq-open/NQ-open.efficientqa.test.1.1.jsonl',
    bytes: 595322,
    sha256: 'c37b3cb2069632dfef219fa770d7910ac77ff6d12a08e8f3d5f058b388aca8a6',
  },
};
const SPLITS = Object.keys(SPLIT_FILES);
const FILES = Object.values(SPLIT_FILES);
const HOMEPAGE = 'https://github.com/google-research-datasets/natural-questions/tree/master/nq_open';

interface NqLine {
  question: string;
  answer: string[];
  answer_and_def_correct_predictions?: string[];
}

async function* questions(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  checkSplit('nq-open', SPLITS, ctx.split);
  for (const [split, { path }] of Object.entries(SPLIT_FILES)) {
    if (ctx.split !== undefined && ctx.split !== split) continue;
    const lines = (await readFile(join(dataFolder(ctx), path), 'utf8')).split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const row = JSON.parse(line) as NqLine;
      if (typeof row.question !== 'string' || !Array.isArray(row.answer)) {
        throw new Error(`${path}:${index + 1}: wanted "question" and a list "answer"`);
      }
      yield {
        question_id: `${split}/${index + 1}`,
        question: row.question,
        answers: row.answer,
        accepted: row.answer_and_def_correct_predictions ?? row.answer,
        split,
      };
    }
  }
}

export const nqOpen: DatasetDescriptor = {
  name: 'nq-open',
  summary: '7,179 questions people typed into a search engine, with short answers and no corpus.',
  homepage: HOMEPAGE,
  licence: 'CC BY-SA 3.0',
  origin:
    'NQ-open (Lee, Chang & Toutanova 2019), made from Natural Questions (Kwiatkowski et al. 2019), and the dev and ' +
    'test sets of EfficientQA (Min et al. 2021). The answers are those of English Wikipedia in 2018-2019, lists of ' +
    'them are incomplete, and no passage is named as gold. Published questions have no names: one is called after ' +
    'its split and line.',
  files: FILES,
  splits: SPLITS,
  takes: {
    questions: {
      summary: 'Questions and answers; `accepted` adds what raters of EfficientQA found definitely correct.',
      columns: {
        question_id: 'utf8',
        question: 'utf8',
        answers: 'list<utf8>',
        accepted: 'list<utf8>',
        split: 'utf8',
      },
      key: ['question_id'],
      splits: SPLITS,
      rows: questions,
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('nq-open', dataFolder(ctx), FILES, HOMEPAGE),
};
