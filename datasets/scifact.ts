import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { checkSplit, type DatasetContext, type DatasetDescriptor, type DatasetRow } from './descriptor.ts';
import { dataFolder, missingFile } from './folders.ts';
import { csvRows } from './formats/csv.ts';
import { parsePrintedList } from './formats/printed-list.ts';

const ZIP = {
  path: 'scifact/scifact.zip',
  bytes: 2872024,
  sha256: 'a798a7046af0f6fa04476448459ce7cafeea5bd90d4d99c53a0e27dc5e1a4673',
};
const TOPICS = {
  path: 'scifact/topics.beir-v1.0.0-scifact.test.tsv.gz',
  bytes: 11998,
  sha256: 'a624d39fa2a41da44b0148ac2b1c2cb9856ece2c4afbb6ac9360e8e524d66b4f',
};
const QRELS = {
  path: 'scifact/qrels.beir-v1.0.0-scifact.test.txt',
  bytes: 5702,
  sha256: '8b7315286f8dc823956025a1fc9c9ff0bfe142d7b409458ccd758cfa0713ccba',
};
const SPLITS = ['train', 'test'] as const;

async function zipped(ctx: DatasetContext, name: string): Promise<string> {
  const path = join(dataFolder(ctx), ZIP.path);
  const entry = unzipSync(await readFile(path), { filter: file => file.name === name })[name];
  if (entry === undefined) throw new Error(`${path}: found no entry "${name}"; get scifact.zip again`);
  return new TextDecoder('utf-8', { fatal: true }).decode(entry);
}

async function* documents(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  const where = `${ZIP.path}/corpus_train.csv`;
  for await (const row of csvRows(await zipped(ctx, 'corpus_train.csv'), where)) {
    let sentences: string[];
    try {
      sentences = parsePrintedList(row.abstract ?? '');
    } catch (error) {
      throw new Error(`${where}: doc_id ${row.doc_id}: ${(error as Error).message}`);
    }
    yield { doc_id: row.doc_id, title: row.title, text: sentences.join(' ') };
  }
}

/** A claim of the training file stands once a piece of evidence; its cited abstracts are its gold, as in BEIR. */
async function* trainQuestions(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  const seen = new Set<string>();
  for await (const row of csvRows(await zipped(ctx, 'claims_train.csv'), `${ZIP.path}/claims_train.csv`)) {
    if (row.id === undefined || seen.has(row.id)) continue;
    seen.add(row.id);
    const ids = [...new Set(row.cited_doc_ids?.match(/\d+/g) ?? [])];
    yield {
      question_id: row.id,
      question: row.claim,
      doc_ids: ids,
      relevance: ids.map(() => 1),
      split: 'train',
    };
  }
}

async function* testQuestions(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  const judged = new Map<string, [docId: string, relevance: number][]>();
  const qrels = await readFile(join(dataFolder(ctx), QRELS.path), 'utf8');
  for (const [index, line] of qrels.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [question, , document, grade, ...rest] = line.trim().split(/\s+/);
    if (question === undefined || document === undefined || !/^-?\d+$/.test(grade ?? '') || rest.length > 0) {
      throw new Error(`${QRELS.path}:${index + 1}: found "${line}", wanted "question 0 document grade"`);
    }
    judged.set(question, [...(judged.get(question) ?? []), [document, Number(grade)]]);
  }
  const topics = gunzipSync(await readFile(join(dataFolder(ctx), TOPICS.path))).toString('utf8');
  for (const [index, line] of topics.split('\n').entries()) {
    if (line === '') continue;
    const tab = line.indexOf('\t');
    if (tab < 1) throw new Error(`${TOPICS.path}:${index + 1}: found "${line}", wanted "question<TAB>claim"`);
    const id = line.slice(0, tab);
    const gold = judged.get(id) ?? [];
    yield {
      question_id: id,
      question: line.slice(tab + 1),
      doc_ids: gold.map(([document]) => document),
      relevance: gold.map(([, grade]) => grade),
      split: 'test',
    };
  }
}

async function* questions(ctx: DatasetContext): AsyncGenerator<DatasetRow> {
  checkSplit('scifact', SPLITS, ctx.split);
  if (ctx.split !== 'test') yield* trainQuestions(ctx);
  if (ctx.split !== 'train') yield* testQuestions(ctx);
}

const FILES = [ZIP, TOPICS, QRELS];
const HOMEPAGE = 'https://github.com/allenai/scifact';

export const scifact: DatasetDescriptor = {
  name: 'scifact',
  summary:
    '5,183 abstracts of scientific papers and claims to find the evidence for: ad-hoc ranking, nDCG@10.',
  homepage: HOMEPAGE,
  licence: 'claims CC BY 4.0, abstracts ODC-By 1.0 (Semantic Scholar S2ORC)',
  origin:
    'Wadden et al. 2020, "Fact or Fiction: Verifying Scientific Claims". The test questions and their judgements ' +
    'are those of BEIR (300 claims, 339 pairs); the train questions are the 809 training claims with the ' +
    'abstracts they cite, as in BEIR. BEIR scores a document by its title and its text together. The corpus is ' +
    'small, most claims have one gold document, and what is not judged counts as not relevant.',
  files: FILES,
  splits: SPLITS,
  takes: {
    documents: {
      summary: 'Abstracts; the sentences joined by a space.',
      columns: { doc_id: 'utf8', title: 'utf8', text: 'utf8' },
      key: ['doc_id'],
      rows: documents,
    },
    questions: {
      summary: 'Claims, with the abstracts judged for each and their grades.',
      columns: {
        question_id: 'utf8',
        question: 'utf8',
        doc_ids: 'list<utf8>',
        relevance: 'list<int32>',
        split: 'utf8',
      },
      key: ['question_id'],
      splits: SPLITS,
      rows: questions,
    },
  },
  locate: dataFolder,
  available: ctx => missingFile('scifact', dataFolder(ctx), FILES, HOMEPAGE),
};
