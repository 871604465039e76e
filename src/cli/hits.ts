/** Hits of a search in an index, as rows and as people read them. */
import { basename } from 'node:path';
import type { Analyzer } from '../retrieval/analysis/index.ts';
import { snippet } from '../retrieval/analysis/index.ts';
import type { Explanation, SearchOptions, SparseIndex } from '../retrieval/sparse/index.ts';
import { explanationLines } from './explanation.ts';
import { oneLine, type Style, wrapText } from './terminal.ts';

export interface Hit {
  /** From 0, as in the stream of hits. */
  readonly rank: number;
  readonly score: number;
  readonly unit_id: string;
  readonly doc_id: string;
  readonly title?: string;
  readonly text: string;
  /** The index it comes from. */
  readonly source: string;
  /** How the score comes about, where that is asked for. */
  readonly explanation?: Explanation;
  /** Other stored columns. */
  readonly [column: string]: unknown;
}

/** The best `k` hits, with all that the index stores of them. */
export function searchIndex(
  index: SparseIndex,
  query: string,
  options: SearchOptions & { readonly explain?: boolean },
): Hit[] {
  const { explain, ...search } = options;
  const { docs, scores } = index.search(query, search);
  const { keyColumn } = index.info;
  const source = basename(index.dir);
  return index.rows(docs).map((row, rank) => ({
    ...hitOf(row, keyColumn, rank, scores[rank], source),
    ...(explain ? { explanation: index.explain(query, docs[rank], search) } : {}),
  }));
}

/** A hit from what an index stores of it. */
export function hitOf(
  row: Readonly<Record<string, unknown>>,
  keyColumn: string,
  rank: number,
  score: number,
  source: string,
): Hit {
  const { [keyColumn]: key, doc_id: doc, title, text, ...others } = row;
  return {
    rank,
    score,
    unit_id: String(key),
    doc_id: String(doc ?? key),
    ...(typeof title === 'string' && title !== '' ? { title } : {}),
    text: typeof text === 'string' ? text : '',
    source,
    ...others,
  };
}

/** Marks that stand around matching words before they are made bold or printed. */
const OPEN = '\ue000';
const CLOSE = '\ue001';

/** Characters of text that are shown of a hit. */
const SNIPPET = 280;

/** The stretch of a text that holds most of the query, on lines of at most `width` columns; words marked. */
export function snippetLines(
  text: string,
  query: string | readonly string[],
  analyzer: Analyzer,
  width: number,
  style: Style,
): string[] {
  const raw = snippet(text, query, analyzer, SNIPPET, {
    open: OPEN,
    close: CLOSE,
    escape: part =>
      part
        .replaceAll(OPEN, '')
        .replaceAll(CLOSE, '')
        .replace(/[\p{Cc}\s]+/gu, ' '),
  });
  let open = false;
  return wrapText(raw.trim(), width).map(line => {
    // a match that goes over a line end is marked on both lines
    const full = (open ? OPEN : '') + line;
    open = full.lastIndexOf(OPEN) > full.lastIndexOf(CLOSE);
    const closed = open ? full + CLOSE : full;
    return style.color
      ? closed.replace(/\ue000([^\ue001]*)\ue001/g, (_, match: string) => style.bold(style.yellow(match)))
      : closed.replaceAll(OPEN, '«').replaceAll(CLOSE, '»');
  });
}

/** Lines for people: `1. title  score  doc  source`, then the snippet. */
export function hitLines(
  hits: readonly Hit[],
  query: string | readonly string[],
  analyzer: Analyzer,
  width: number,
  style: Style,
): string[] {
  return hits.flatMap(hit => {
    const title = oneLine(hit.title ?? hit.doc_id);
    const where = hit.unit_id === hit.doc_id ? hit.doc_id : `${hit.doc_id}, ${hit.unit_id}`;
    const number = `${hit.rank + 1}.`;
    const indent = ' '.repeat(Math.max(4, number.length + 1));
    // a title that concat.title put in front of the text is not said twice
    const front = `${hit.title}\n`;
    const text = hit.text.startsWith(front) ? hit.text.slice(front.length) : hit.text;
    return [
      `${number.padEnd(indent.length)}${style.bold(title)}  ${style.dim(`${hit.score.toFixed(3)}  ${where}  (${hit.source})`)}`,
      ...snippetLines(text, query, analyzer, Math.min(110, width) - indent.length, style).map(
        l => indent + l,
      ),
      ...(hit.explanation === undefined ? [] : explanationLines(hit.explanation, indent, style)),
    ];
  });
}
