/**
 * What families of encoders expect where their files do not say it: prefixes and pooling, as their model cards give
 * them. A model's own config files come first.
 */
export type Pooling = 'mean' | 'cls' | 'last' | 'max' | 'none';

export interface Prefixes {
  readonly query: string;
  readonly passage: string;
}

interface Convention {
  readonly family: string;
  /** Meets the model's name in lower case. */
  readonly name: RegExp;
  readonly pooling?: Pooling;
  readonly normalize?: boolean;
  readonly prefixes?: Prefixes;
}

const TASK = 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:';
const SEARCH = 'Represent this sentence for searching relevant passages: ';

const CONVENTIONS: readonly Convention[] = [
  {
    family: 'e5-mistral',
    name: /e5-mistral/,
    pooling: 'last',
    normalize: true,
    prefixes: { query: `${TASK} `, passage: '' },
  },
  {
    family: 'e5-instruct',
    name: /\be5-.*instruct/,
    pooling: 'mean',
    normalize: true,
    prefixes: { query: `${TASK} `, passage: '' },
  },
  {
    family: 'qwen3-embedding',
    name: /qwen3-embedding/,
    pooling: 'last',
    normalize: true,
    prefixes: { query: TASK, passage: '' },
  },
  {
    family: 'gte-qwen',
    name: /gte-qwen/,
    pooling: 'last',
    normalize: true,
    prefixes: { query: `${TASK} `, passage: '' },
  },
  {
    family: 'e5',
    name: /(^|[-/_])e5-(small|base|large)/,
    pooling: 'mean',
    normalize: true,
    prefixes: { query: 'query: ', passage: 'passage: ' },
  },
  { family: 'bge-m3', name: /bge-m3/, pooling: 'cls', normalize: true },
  {
    family: 'bge-zh',
    name: /bge-(small|base|large)-zh/,
    pooling: 'cls',
    normalize: true,
    prefixes: { query: '为这个句子生成表示以用于检索相关文章：', passage: '' },
  },
  {
    family: 'bge-en',
    name: /bge-(small|base|large|micro)/,
    pooling: 'cls',
    normalize: true,
    prefixes: { query: SEARCH, passage: '' },
  },
  { family: 'gte-cls', name: /gte-.*(v1\.5|multilingual|modernbert)/, pooling: 'cls', normalize: true },
  { family: 'gte', name: /(^|[-/_])gte-(tiny|small|base|large)/, pooling: 'mean', normalize: true },
  {
    family: 'arctic-v2',
    name: /arctic-embed-.*v2/,
    pooling: 'cls',
    normalize: true,
    prefixes: { query: 'query: ', passage: '' },
  },
  {
    family: 'arctic',
    name: /arctic-embed|mxbai-embed/,
    pooling: 'cls',
    normalize: true,
    prefixes: { query: SEARCH, passage: '' },
  },
  {
    family: 'nomic',
    name: /nomic-embed/,
    pooling: 'mean',
    normalize: true,
    prefixes: { query: 'search_query: ', passage: 'search_document: ' },
  },
  // the vector of [CLS] as the last layer gives it (BM-K's cards; Gao et al. 2021 for the unsupervised ones)
  { family: 'simcse', name: /simcse/, pooling: 'cls', normalize: true },
  { family: 'dpr', name: /(^|[-/_])dpr([-/_]|$)/, pooling: 'cls', normalize: false },
  { family: 'contriever', name: /contriever/, pooling: 'mean', normalize: false },
  { family: 'minilm', name: /minilm|mpnet|sentence-t5/, pooling: 'mean', normalize: true },
];

/** The family that a model's name belongs to. */
export function conventionOf(name: string): Convention | undefined {
  const lower = name.toLowerCase();
  return CONVENTIONS.find(convention => convention.name.test(lower));
}
