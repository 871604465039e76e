/** The columns of hits, from documents' numbers and scores and what an index has stored of them. */
import type { Data } from 'apache-arrow';
import {
  type Column,
  type Columns,
  dataOf,
  float64,
  float64Data,
  int32,
  int32Data,
  nullable,
  takeData,
  utf8,
} from '../../src/arrow/index.ts';
import type { OutputColumns } from '../../src/define/index.ts';
import type { StoredValue } from '../../src/retrieval/sparse/index.ts';

/** The columns that a search adds to a question's. */
export const HITS: Columns = {
  rank: int32(),
  unit: utf8(),
  unit_id: utf8(),
  doc_id: utf8(),
  title: utf8(),
  text: utf8(),
  start: int32(),
  end: int32(),
  score: float64(),
  source: utf8(),
};

/** What an open index gives back of its documents. */
export interface StoredDocuments {
  readonly info: { readonly keyColumn: string; readonly columns: readonly { readonly name: string }[] };
  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[];
}

/** Hits of a batch of questions, question by question, best first. */
export class Found {
  count = 0;
  #parents = new Int32Array(1024);
  #docs = new Int32Array(1024);
  #ranks = new Int32Array(1024);
  #scores = new Float64Array(1024);

  /** Adds the hits of the question in row `parent`. */
  add(parent: number, docs: Int32Array, scores: Float64Array): void {
    const at = this.count;
    this.count += docs.length;
    if (this.count > this.#docs.length) {
      const size = Math.max(this.count, this.#docs.length * 2);
      this.#parents = wider(this.#parents, new Int32Array(size));
      this.#docs = wider(this.#docs, new Int32Array(size));
      this.#ranks = wider(this.#ranks, new Int32Array(size));
      this.#scores = wider(this.#scores, new Float64Array(size));
    }
    this.#parents.fill(parent, at, at + docs.length);
    this.#docs.set(docs, at);
    this.#scores.set(scores, at);
    for (let i = 0; i < docs.length; i++) this.#ranks[at + i] = i;
  }
  get parents(): Int32Array {
    return this.#parents.slice(0, this.count);
  }
  get docs(): Int32Array {
    return this.#docs.subarray(0, this.count);
  }
  get ranks(): Int32Array {
    return this.#ranks.slice(0, this.count);
  }
  get scores(): Float64Array {
    return this.#scores.slice(0, this.count);
  }
}

function wider<T extends Int32Array | Float64Array>(old: T, to: T): T {
  to.set(old);
  return to;
}

/**
 * The hits' columns. Each document is fetched once a batch, in ascending order, so that a compressed block of stored
 * text is opened once; hits then take their rows from these.
 */
export function hitColumns(
  found: Found,
  index: StoredDocuments,
  source: string,
  further: Readonly<Record<string, Column>>,
): OutputColumns {
  const distinct = Int32Array.from(new Set(found.docs)).sort();
  const place = new Map<number, number>();
  distinct.forEach((doc, i) => {
    place.set(doc, i);
  });
  const at = Int32Array.from(found.docs, doc => place.get(doc) as number);
  const { keyColumn } = index.info;
  const stored = new Set([keyColumn, ...index.info.columns.map(c => c.name)]);
  const names = [...Object.keys(HITS), ...Object.keys(further)].filter(name => stored.has(name));
  const rows = index.rows(distinct, [...new Set([...names, keyColumn])]);

  const take = (column: Column, value: (row: Record<string, StoredValue>) => StoredValue): Data =>
    takeData(dataOf(column.type, rows.map(value)), at);
  const text = (name: string, other: (row: Record<string, StoredValue>) => StoredValue): Data =>
    take(utf8(), stored.has(name) ? row => row[name] ?? other(row) : other);
  const length = (row: Record<string, StoredValue>): number =>
    typeof row.text === 'string' ? row.text.length : 0;
  const kind = keyColumn === 'doc_id' || !stored.has('doc_id') ? 'document' : 'unit';

  return {
    rank: int32Data(found.ranks),
    unit: text('unit', () => kind),
    unit_id: text('unit_id', row => row[keyColumn]),
    doc_id: text('doc_id', row => row[keyColumn]),
    title: text('title', () => ''),
    text: text('text', () => ''),
    start: take(int32(), row => row.start ?? 0),
    end: take(int32(), row => row.end ?? length(row)),
    score: float64Data(found.scores),
    source: takeData(dataOf(utf8().type, [source]), new Int32Array(found.count)),
    ...Object.fromEntries(
      Object.entries(further).map(([name, column]) => [name, take(nullable(column), row => row[name])]),
    ),
  };
}
