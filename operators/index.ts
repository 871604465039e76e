/** The registry: one line an operator. */

import { dedupeExact } from './dedupe/exact.ts';
import { dedupeNear } from './dedupe/near.ts';
import { encodeDense } from './encode/dense.ts';
import { encodeTokens } from './encode/tokens.ts';
import { evaluateCompare } from './evaluate/compare.ts';
import { evaluateRetrieval } from './evaluate/retrieval.ts';
import { indexDense } from './index/dense.ts';
import { indexLate } from './index/late.ts';
import { indexSparse } from './index/sparse.ts';
import { mergeHits } from './merge/hits.ts';
import { mergeTitles } from './merge/titles.ts';
import { readArrow } from './read/arrow.ts';
import { readBeir } from './read/beir.ts';
import { readCsv } from './read/csv.ts';
import { readDataset } from './read/dataset.ts';
import { readHtml } from './read/html.ts';
import { readJsonl } from './read/jsonl.ts';
import { readMarkdown } from './read/markdown.ts';
import { readParquet } from './read/parquet.ts';
import { readSquad } from './read/squad.ts';
import { readText } from './read/text.ts';
import { readTrec } from './read/trec.ts';
import { rerankCross } from './rerank/cross.ts';
import { searchDense } from './search/dense.ts';
import { searchLate } from './search/late.ts';
import { searchSparse } from './search/sparse.ts';
import { cleanText } from './shape/clean-text.ts';
import { concatTitle } from './shape/concat-title.ts';
import { filter } from './shape/filter.ts';
import { sample } from './shape/sample.ts';
import { select } from './shape/select.ts';
import { showHits } from './show/hits.ts';
import { splitPassages } from './split/passages.ts';
import { splitSentences } from './split/sentences.ts';
import { analyze } from './tokenize/analyze.ts';
import { writeArrow } from './write/arrow.ts';
import { writeCsv } from './write/csv.ts';
import { writeJsonl } from './write/jsonl.ts';
import { writeParquet } from './write/parquet.ts';
import { writeTrec } from './write/trec.ts';

export const operators = [
  readJsonl,
  readCsv,
  readParquet,
  readArrow,
  readText,
  readHtml,
  readMarkdown,
  readSquad,
  readBeir,
  readDataset,
  readTrec,
  writeJsonl,
  writeCsv,
  writeParquet,
  writeArrow,
  writeTrec,
  // shape
  select,
  filter,
  sample,
  cleanText,
  concatTitle,
  mergeTitles,
  dedupeExact,
  dedupeNear,
  // split, tokenize
  splitPassages,
  splitSentences,
  analyze,
  // encode
  encodeDense,
  encodeTokens,
  // index, search, evaluate
  indexSparse,
  searchSparse,
  indexDense,
  searchDense,
  indexLate,
  searchLate,
  mergeHits,
  rerankCross,
  evaluateCompare,
  evaluateRetrieval,
  showHits,
] as const;
