/** Reads what `evaluate` compares: hits or TREC runs on one side, questions or qrels on the other. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { operators } from '../../../operators/index.ts';
import { rowsOf } from '../../arrow/access.ts';
import type { AnyOperator } from '../../define/index.ts';
import { UserError } from '../../define/index.ts';
import { type Hits, parseQrels, parseRun } from '../../metrics/index.ts';
import { readBatches } from '../source.ts';

/** What is known of a question. */
export interface Judged {
  /** What is asked, where the file says it. */
  readonly question?: string;
  readonly answers?: readonly string[];
  readonly goldDocIds?: readonly string[];
  readonly relevance?: ReadonlyMap<string, number>;
}

/** What was retrieved, by question in the order of the file. */
export interface RunFile {
  readonly kind: 'hits' | 'trec';
  readonly hits: ReadonlyMap<string, Hits>;
  /** What the hits themselves say of their questions. */
  readonly judged: ReadonlyMap<string, Judged>;
}

export interface GoldFile {
  readonly kind: 'questions' | 'qrels';
  readonly judged: ReadonlyMap<string, Judged>;
}

const READERS: Readonly<Record<string, string>> = {
  '.jsonl': 'read.jsonl',
  '.ndjson': 'read.jsonl',
  '.csv': 'read.csv',
  '.parquet': 'read.parquet',
  '.arrow': 'read.arrow',
};
const COMPRESSED = new Set(['.gz', '.br', '.zst']);

function endingOf(path: string): string {
  const last = extname(path).toLowerCase();
  return COMPRESSED.has(last) ? extname(path.slice(0, -last.length)).toLowerCase() : last;
}

async function mustExist(path: string, shown: string, what: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new UserError(`${what}: nothing is at ${shown}`, { help: 'wanted a file' });
}

async function* lines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
}

/** Errors of the parsers say where and what; they are the user's to mend. */
async function parsed<T>(work: Promise<T>, help: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof UserError
      ? error
      : new UserError((error as Error).message, { help, cause: error });
  }
}

/** A list of texts; a table of plain text (CSV) holds it as JSON. */
function texts(value: unknown): string[] | undefined {
  const list: unknown = typeof value === 'string' && value.startsWith('[') ? listOf(value) : value;
  return Array.isArray(list) ? list.filter((v): v is string => typeof v === 'string') : undefined;
}
function listOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a row says of its question: `answers`, `doc_ids`, and `relevance` (grades beside `doc_ids`). */
function judgedOf(row: Readonly<Record<string, unknown>>): Judged {
  const goldDocIds = texts(row.doc_ids);
  const grades = Array.isArray(row.relevance) ? row.relevance : undefined;
  const relevance =
    goldDocIds && grades?.length === goldDocIds.length
      ? new Map(goldDocIds.map((id, i) => [id, Number(grades[i])]))
      : undefined;
  const answers = texts(row.answers);
  return {
    ...(typeof row.question === 'string' ? { question: row.question } : {}),
    ...(answers ? { answers } : {}),
    ...(goldDocIds ? { goldDocIds } : {}),
    ...(relevance ? { relevance } : {}),
  };
}

function reader(path: string): { op: AnyOperator; questions: Readonly<Record<string, unknown>> } | undefined {
  const ending = endingOf(path);
  const name = ending === '.json' ? 'read.squad' : READERS[ending];
  const op = (operators as readonly AnyOperator[]).find(o => o.name === name);
  if (!op) return undefined;
  return { op, questions: name === 'read.squad' ? { take: 'questions' } : { key: 'question_id' } };
}

function datasetReader(): { op: AnyOperator; questions: Readonly<Record<string, unknown>> } {
  const op = (operators as readonly AnyOperator[]).find(o => o.name === 'read.dataset');
  if (!op) throw new Error('no operator read.dataset');
  return { op, questions: {} };
}

async function* rowsIn(
  op: AnyOperator,
  params: Readonly<Record<string, unknown>>,
  root: string,
): AsyncGenerator<Record<string, unknown>> {
  for await (const batch of readBatches(op, params, root, true)) yield* rowsOf(batch);
}

interface Growing {
  docIds: string[];
  unitIds?: string[];
  texts?: string[];
  scores?: number[];
}

/** Reads hits (JSONL, CSV, Parquet, Arrow) or a TREC run (any other ending). */
export async function readRunFile(shown: string, root: string): Promise<RunFile> {
  const path = resolve(root, shown);
  await mustExist(path, shown, 'run');
  const found = reader(path);
  if (found?.op.name === 'read.squad')
    throw new UserError(`run: ${shown} is JSON, wanted hits or a TREC run`, {
      help: 'a report of evaluate.retrieval holds no hits; write them with write.jsonl or write.trec',
    });
  if (!found) {
    const help = 'a file of hits ends in .jsonl, .csv, .parquet or .arrow; any other is read as a TREC run';
    const run = await parsed(parseRun(lines(path), shown), help);
    return { kind: 'trec', hits: run, judged: new Map() };
  }
  const hits = new Map<string, Growing>();
  const judged = new Map<string, Judged>();
  for await (const row of rowsIn(found.op, { path: shown, key: 'question_id' }, root)) {
    const { question_id: question, doc_id: doc, unit_id: unit } = row;
    const id = doc ?? unit;
    if (typeof question !== 'string' || (typeof id !== 'string' && typeof id !== 'number')) {
      throw new UserError(
        `${shown}: wanted hits with question_id and doc_id, found the columns ${Object.keys(row).join(', ')}`,
      );
    }
    let list = hits.get(question);
    if (!list) {
      list = {
        docIds: [],
        ...(typeof unit === 'string' ? { unitIds: [] } : {}),
        ...(typeof row.text === 'string' ? { texts: [] } : {}),
        ...(typeof row.score === 'number' ? { scores: [] } : {}),
      };
      hits.set(question, list);
      judged.set(question, judgedOf(row));
    }
    list.docIds.push(String(id));
    list.unitIds?.push(String(unit));
    list.texts?.push(typeof row.text === 'string' ? row.text : '');
    list.scores?.push(typeof row.score === 'number' ? row.score : Number.NaN);
  }
  return { kind: 'hits', hits, judged };
}

/**
 * Reads questions (JSONL, CSV, Parquet, Arrow, SQuAD's JSON; `dataset:NAME`, or `dataset:NAME/SPLIT`) or qrels (any other
 * ending).
 */
export async function readGoldFile(shown: string, root: string): Promise<GoldFile> {
  const path = resolve(root, shown);
  const [dataset, split] = /^dataset:([^/]+)(?:\/(.+))?$/.exec(shown)?.slice(1) ?? [];
  if (dataset === undefined) await mustExist(path, shown, '--gold');
  const found = dataset === undefined ? reader(path) : datasetReader();
  const judged = new Map<string, Judged>();
  if (!found) {
    const help =
      'questions end in .jsonl, .csv, .parquet, .arrow or .json (SQuAD); any other file is read as qrels';
    const qrels = await parsed(parseQrels(lines(path), shown), help);
    for (const [question, relevance] of qrels) judged.set(question, { relevance });
    return { kind: 'qrels', judged };
  }
  const params =
    dataset === undefined ? { path: shown, ...found.questions } : { name: dataset, take: 'questions', split };
  for await (const row of rowsIn(found.op, params, root)) {
    if (typeof row.question_id !== 'string') {
      throw new UserError(
        `${shown}: wanted questions with question_id, found the columns ${Object.keys(row).join(', ')}`,
      );
    }
    judged.set(row.question_id, judgedOf(row));
  }
  return { kind: 'questions', judged };
}
