/**
 * TREC files. A run has a line a hit, `question Q0 document rank score tag`; qrels a line a judgement,
 * `question 0 document grade`. Fields are separated by white space, so ids cannot hold any.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

/** What was retrieved for one question, in the order of the file. */
export interface RunHits {
  readonly docIds: readonly string[];
  readonly scores: readonly number[];
}

/** Hits by question id. */
export type TrecRun = ReadonlyMap<string, RunHits>;

/** Grades by question id and document id. */
export type Qrels = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface RunFileOptions {
  /** The last column. Default `millrace`. */
  tag?: string;
  /**
   * `score` (default) writes the scores as they are; `rank` writes falling whole numbers in the order of the
   * hits. Tools that follow trec_eval sort by score and ignore the rank column, so a list that is not in the
   * order of its scores, or has ties, keeps its order only with `rank`.
   */
  scores?: 'score' | 'rank';
}

type Lines = Iterable<string> | AsyncIterable<string>;

/**
 * Reads the lines of a run. The rank column is not used.
 *
 * @param name what the lines came from, for messages
 * @throws Error on a line without six fields or with a score that is no number, and on a document that a
 * question has twice (trec_eval refuses it too).
 */
export async function parseRun(lines: Lines, name = 'run'): Promise<TrecRun> {
  const run = new Map<string, { docIds: string[]; scores: number[]; seen: Set<string> }>();
  let at = 0;
  for await (const line of lines) {
    at++;
    const fields = split(line, at);
    if (fields.length === 0) continue;
    const where = `${name}:${at}`;
    if (fields.length !== 6) {
      throw new Error(
        `${where}: found ${fields.length} fields, wanted 6: question Q0 document rank score tag, separated by white space`,
      );
    }
    const [question, , docId, , score] = fields;
    let hits = run.get(question);
    if (hits === undefined) {
      hits = { docIds: [], scores: [], seen: new Set() };
      run.set(question, hits);
    }
    if (hits.seen.has(docId)) {
      throw new Error(
        `${where}: question "${question}" has document "${docId}" twice; keep its best hit only (a run of passages has to be grouped by document, or name the passages)`,
      );
    }
    hits.seen.add(docId);
    hits.docIds.push(docId);
    hits.scores.push(toNumber(score, `${where}: the score`));
  }
  return run;
}

/**
 * Reads the lines of a qrels file: four columns, or the three of BEIR (`query-id corpus-id score`, its
 * header line is passed over).
 *
 * @throws Error on another number of fields, a grade that is no whole number, or two different grades for
 * one document.
 */
export async function parseQrels(lines: Lines, name = 'qrels'): Promise<Qrels> {
  const qrels = new Map<string, Map<string, number>>();
  let at = 0;
  for await (const line of lines) {
    at++;
    const fields = split(line, at);
    if (fields.length === 0) continue;
    if (at === 1 && fields.length === 3 && fields[2] === 'score') continue;
    const where = `${name}:${at}`;
    if (fields.length !== 3 && fields.length !== 4) {
      throw new Error(
        `${where}: found ${fields.length} fields, wanted 4: question 0 document grade (or 3: question document grade), separated by white space`,
      );
    }
    const [question, docId, text] = fields.length === 4 ? [fields[0], fields[2], fields[3]] : fields;
    const grade = toNumber(text, `${where}: the grade`);
    if (!Number.isInteger(grade)) throw new Error(`${where}: found the grade ${text}, wanted a whole number`);
    let grades = qrels.get(question);
    if (grades === undefined) {
      grades = new Map();
      qrels.set(question, grades);
    }
    const before = grades.get(docId);
    if (before !== undefined && before !== grade) {
      throw new Error(
        `${where}: question "${question}" judges document "${docId}" with ${grade}, but ${before} further up; keep one line`,
      );
    }
    grades.set(docId, grade);
  }
  return qrels;
}

/** Reads a run file, gzip-compressed where its name ends in `.gz`. */
export function readRun(path: string): Promise<TrecRun> {
  return parseRun(fileLines(path), path);
}

/** Reads a qrels file, gzip-compressed where its name ends in `.gz`. */
export function readQrels(path: string): Promise<Qrels> {
  return parseQrels(fileLines(path), path);
}

/**
 * Lines of a run file, each with its line end; ranks from 1. Of a document a question has twice the first
 * hit is kept.
 *
 * @throws Error on an id or a tag that is empty or holds white space, and on a score that is no finite number.
 */
export function* runLines(
  run: Iterable<readonly [string, { docIds: ArrayLike<string>; scores: ArrayLike<number> }]>,
  options: RunFileOptions = {},
): Generator<string> {
  const tag = field(options.tag ?? 'millrace', 'run tag');
  for (const [questionId, { docIds, scores }] of run) {
    const question = field(questionId, 'question id');
    const seen = new Set<string>();
    for (let i = 0; i < docIds.length; i++) {
      if (seen.has(docIds[i])) continue;
      seen.add(docIds[i]);
      const score = options.scores === 'rank' ? docIds.length - i : scores[i];
      if (!Number.isFinite(score)) {
        throw new Error(
          `run of question "${questionId}": document "${docIds[i]}" has the score ${score}, wanted a finite number; or write scores: 'rank'`,
        );
      }
      const docId = field(docIds[i], `document id of question "${questionId}"`);
      yield `${question} Q0 ${docId} ${seen.size} ${score} ${tag}\n`;
    }
  }
}

/** Lines of a qrels file, each with its line end. @throws Error as `runLines`, and on a grade that is no whole number. */
export function* qrelsLines(qrels: Qrels): Generator<string> {
  for (const [questionId, grades] of qrels) {
    const question = field(questionId, 'question id');
    for (const [docId, grade] of grades) {
      if (!Number.isInteger(grade)) {
        throw new Error(
          `qrels of question "${questionId}": "${docId}" has the grade ${grade}, wanted a whole number`,
        );
      }
      yield `${question} 0 ${field(docId, `document id of question "${questionId}"`)} ${grade}\n`;
    }
  }
}

/** Writes a run file as a stream, gzip-compressed where the name ends in `.gz`. */
export function writeRun(
  path: string,
  run: Iterable<readonly [string, { docIds: ArrayLike<string>; scores: ArrayLike<number> }]>,
  options: RunFileOptions = {},
): Promise<void> {
  return writeLines(path, runLines(run, options));
}

/** Writes a qrels file as a stream, gzip-compressed where the name ends in `.gz`. */
export function writeQrels(path: string, qrels: Qrels): Promise<void> {
  return writeLines(path, qrelsLines(qrels));
}

function split(line: string, at: number): string[] {
  // A byte order mark would become part of the first id.
  const text = (at === 1 && line.charCodeAt(0) === 0xfeff ? line.slice(1) : line).trim();
  return text === '' ? [] : text.split(/[ \t]+/);
}

function toNumber(text: string, what: string): number {
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error(`${what} is "${text}", wanted a number`);
  return value;
}

function field(value: string, what: string): string {
  if (value === '' || /\s/.test(value)) {
    throw new Error(
      `${what} "${value}" ${value === '' ? 'is empty' : 'holds white space'}, which a TREC file cannot keep; replace it in the ids first`,
    );
  }
  return value;
}

async function* fileLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  if (bytes !== file) file.on('error', error => bytes.destroy(error));
  bytes.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of bytes) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    file.destroy();
  }
  if (rest !== '') yield rest;
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const blocks = function* (): Generator<string> {
    let block = '';
    for (const line of lines) {
      block += line;
      if (block.length > 1 << 16) {
        yield block;
        block = '';
      }
    }
    if (block !== '') yield block;
  };
  const source = Readable.from(blocks());
  const sink = createWriteStream(path);
  await (path.endsWith('.gz') ? pipeline(source, createGzip(), sink) : pipeline(source, sink));
}
