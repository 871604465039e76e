/** A score taken apart, as people read it: a table of terms, then what is not a term. */
import type { Explanation, ExplanationNode, TermExplanation } from '../retrieval/sparse/index.ts';
import { count, left, right, tableLines } from './table.ts';
import type { Style } from './terminal.ts';

const number = (value: number | undefined): string =>
  value === undefined ? '' : Number.isInteger(value) ? count(value) : value.toFixed(4);

const termName = (t: TermExplanation): string =>
  `${t.field === undefined ? '' : `${t.field}:`}${t.phrase === undefined ? t.term : `${t.term} in "${t.phrase}"`}`;

/** What else the score is made of: every node above the terms that is not the plain sum of them. */
function* around(node: ExplanationNode, depth = 0): Generator<string> {
  if (/^sum of (terms|a group|the phrase)/.test(node.description) && depth > 0) return;
  if (node.details.every(d => d.details.length === 0) && depth > 1) return;
  yield `${'  '.repeat(depth)}${node.value.toFixed(4)}  ${node.description}`;
  for (const detail of node.details)
    if (!/^\S+: "/.test(detail.description)) yield* around(detail, depth + 1);
}

/** Lines of a table: term, tf, df, idf, length, length norm, times, weight, score; then parts that are no term's. */
export function explanationLines(explained: Explanation, indent: string, style: Style): string[] {
  const { terms, tree } = explained;
  const several = new Set(terms.map(t => t.similarity)).size > 1;
  const weighted = terms.some(t => t.boost !== 1);
  const rows = terms.map(t => [
    ...(several ? [t.similarity] : []),
    termName(t),
    number(t.frequency),
    number(t.documents),
    number(t.idf),
    number(t.length),
    number(t.lengthNorm),
    number(t.queryFrequency),
    ...(weighted ? [number(t.boost)] : []),
    t.score.toFixed(4),
  ]);
  const columns = [
    ...(several ? [left('similarity')] : []),
    left('term'),
    right('tf'),
    right('df'),
    right('idf'),
    right('length'),
    right('norm'),
    right('times'),
    ...(weighted ? [right('weight')] : []),
    right('score'),
  ];
  const plain = tree.description === 'sum of terms';
  return [
    ...tableLines(columns, rows, { indent: indent.length, title: text => style.dim(text) }),
    ...(plain
      ? [indent + style.dim(`= ${tree.value.toFixed(4)}, the sum of the terms’ scores`)]
      : [...around(tree)].map(line => indent + style.dim(line))),
  ];
}
