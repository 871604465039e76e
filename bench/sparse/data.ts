import * as fs from 'node:fs';
import * as path from 'node:path';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import type { DocumentBatch, StoredColumn, TextColumn } from '../../src/retrieval/index.ts';

/** Folder of the shared evaluation data. */
export const DATA = process.env.MILLRACE_DATA ?? path.join(import.meta.dirname, '../../../shared/data');

export interface Collection {
  name: string;
  texts: string[];
  /** Question and the number of the text it was written for. */
  questions: { question: string; gold: number }[];
}

/** Builds a UTF-8 column from strings. */
export function textColumn(texts: readonly string[]): TextColumn {
  const encoded = texts.map(t => Buffer.from(t, 'utf8'));
  const offsets = new Int32Array(texts.length + 1);
  encoded.forEach((bytes, i) => {
    offsets[i + 1] = offsets[i] + bytes.length;
  });
  return { offsets, bytes: new Uint8Array(Buffer.concat(encoded)) };
}

/** A batch of texts with their numbers as keys and the text stored. */
export function batchOf(texts: readonly string[], first = 0, store = true): DocumentBatch {
  const text = textColumn(texts);
  const key = textColumn(texts.map((_, i) => String(first + i).padStart(9, '0')));
  const stored: Record<string, StoredColumn> = store ? { text: { type: 'utf8', ...text } } : {};
  return { rows: texts.length, key, text, stored };
}

interface Squad {
  data: { title?: string; paragraphs: { context: string; qas: { question: string }[] }[] }[];
}

/** A collection whose texts and questions are something else made of them. */
export const mapped = (
  collection: Collection,
  name: string,
  change: (text: string) => string,
): Collection => ({
  name,
  texts: collection.texts.map(change),
  questions: collection.questions.map(({ question, gold }) => ({ question: change(question), gold })),
});

/** Distinct contexts, with the article's title before them where `titled`, and the questions written for them. */
export function squad(
  name: string,
  files: string[],
  questionsOf: string[] = files,
  titled = false,
): Collection {
  const numbers = new Map<string, number>();
  const collection: Collection = { name, texts: [], questions: [] };
  for (const file of files) {
    const parsed = JSON.parse(fs.readFileSync(path.join(DATA, file), 'utf8')) as Squad;
    for (const article of parsed.data) {
      for (const { context, qas } of article.paragraphs) {
        let number = numbers.get(context);
        if (number === undefined) {
          const title = (article.title ?? '').replaceAll('_', ' ');
          number = collection.texts.push(titled ? `${title} ${context}` : context) - 1;
          numbers.set(context, number);
        }
        if (!questionsOf.includes(file)) continue;
        for (const { question } of qas) collection.questions.push({ question, gold: number });
      }
    }
  }
  return collection;
}

/** Distinct paragraphs of KoBEST BoolQ. */
export function kobest(): string[] {
  const texts = new Set<string>();
  for (const file of ['train', 'dev', 'test']) {
    const lines = fs.readFileSync(path.join(DATA, `kobest-boolq/${file}.tsv`), 'utf8').split(/\r?\n/);
    const column = lines[0].split('\t').indexOf('Text');
    for (const line of lines.slice(1)) if (line !== '') texts.add(line.split('\t')[column]);
  }
  return [...texts];
}

/** SciFact: abstracts with their ids, BEIR test topics and judgements. */
export function scifact(): {
  ids: string[];
  texts: string[];
  topics: [string, string][];
  judged: Map<string, Map<string, number>>;
} {
  const corpus = parseCsv(unzip(path.join(DATA, 'scifact/scifact.zip'), /corpus/).toString('utf8'));
  const head = corpus[0];
  const [id, title, abstract] = ['doc_id', 'title', 'abstract'].map(name => head.indexOf(name));
  const rows = corpus.slice(1).filter(row => row.length === head.length);
  const topics = gunzipSync(
    fs.readFileSync(path.join(DATA, 'scifact/topics.beir-v1.0.0-scifact.test.tsv.gz')),
  )
    .toString('utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split('\t') as [string, string]);
  const judged = new Map<string, Map<string, number>>();
  for (const line of fs
    .readFileSync(path.join(DATA, 'scifact/qrels.beir-v1.0.0-scifact.test.txt'), 'utf8')
    .split('\n')) {
    const [topic, , doc, grade] = line.trim().split(/\s+/);
    if (grade === undefined) continue;
    const grades = judged.get(topic) ?? new Map<string, number>();
    judged.set(topic, grades.set(doc, Number(grade)));
  }
  return {
    ids: rows.map(row => row[id]),
    texts: rows.map(row => `${row[title]} ${printedList(row[abstract])}`),
    topics,
    judged,
  };
}

/** A list of strings as NumPy or Python prints it, joined by blanks. */
function printedList(cell: string): string {
  const sentences = [...cell.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs)].map(m => m[1] ?? m[2]);
  return (sentences.length > 0 ? sentences.join(' ') : cell)
    .replace(/\\n/g, ' ')
    .replace(/\\(['"\\])/g, '$1');
}

/** The one entry of a zip file whose name matches. */
function unzip(file: string, name: RegExp): Buffer {
  const zip = fs.readFileSync(file);
  let at = zip.readUInt32LE(zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1')) + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    if (name.test(zip.toString('utf8', at + 46, at + 46 + nameLength))) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`${file}: no entry matches ${name}`);
}

/** RFC 4180 fields. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}
