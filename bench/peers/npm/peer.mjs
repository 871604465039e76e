// Search libraries of the npm registry as peers, in CPU time of the process; the protocol is in bench/peers/protocol.md.
//   peer.mjs minisearch|orama|wink|flexsearch PASSAGES FOLDER QUERIES K
// All get the same terms: runs of letters and digits in lower case, without Lucene's stop words, Porter's stemmer, and
// all give documents that hold any of a query's terms.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { stemmer } from 'stemmer';

const STOP = new Set(
  'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with'.split(
    ' ',
  ),
);
const stems = new Map();
function stem(word) {
  let found = stems.get(word);
  if (found === undefined) {
    found = stemmer(word);
    stems.set(word, found);
  }
  return found;
}
const words = text => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const terms = text => {
  const out = [];
  for (const word of words(text)) if (!STOP.has(word)) out.push(stem(word));
  return out;
};

/** Each: `add(texts)` indexes all, `search(query, k)` gives the number of hits. */
const peers = {
  async minisearch() {
    const { default: MiniSearch } = await import('minisearch');
    const index = new MiniSearch({
      fields: ['text'],
      tokenize: words,
      processTerm: term => (STOP.has(term) ? null : stem(term)),
    });
    return {
      add: texts => index.addAll(texts.map((text, id) => ({ id, text }))),
      search: (query, k) => index.search(query).slice(0, k).length,
    };
  },
  async orama() {
    const { create, insertMultiple, search } = await import('@orama/orama');
    const db = create({
      schema: { text: 'string' },
      components: { tokenizer: { language: 'english', normalizationCache: new Map(), tokenize: terms } },
    });
    return {
      add: texts =>
        insertMultiple(
          db,
          texts.map(text => ({ text })),
          5000,
        ),
      search: async (query, k) => (await search(db, { term: query, limit: k, threshold: 1 })).hits.length,
    };
  },
  async wink() {
    const { default: bm25 } = await import('wink-bm25-text-search');
    const index = bm25();
    index.defineConfig({ fldWeights: { text: 1 }, bm25Params: { k1: 1.2, b: 0.75, k: 1 } });
    index.definePrepTasks([terms]);
    return {
      add: texts => {
        texts.forEach((text, id) => {
          index.addDoc({ text }, id);
        });
        index.consolidate();
      },
      search: (query, k) => index.search(query, k).length,
    };
  },
  async flexsearch() {
    const { default: flexsearch } = await import('flexsearch');
    const index = new flexsearch.Index({ tokenize: 'strict', encode: terms });
    return {
      add: texts => {
        texts.forEach((text, id) => {
          index.add(id, text);
        });
      },
      search: (query, k) => index.search(query, { limit: k, suggest: true }).length,
    };
  },
};

const [name, passages, , queriesFile, limit] = process.argv.slice(2);
const lines = file =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const tell = value => process.stdout.write(`${JSON.stringify(value)}\n`);
const k = Number(limit);
const queries = lines(queriesFile);
const texts = lines(passages);
const peer = await peers[name]();
const start = cpu();
await peer.add(texts);
tell({ passages: texts.length, cpu: cpu() - start, rss: process.resourceUsage().maxRSS * 1024 });
tell({ open: null });
for await (const _ of createInterface({ input: process.stdin })) {
  const before = cpu();
  const wall = performance.now();
  let hits = 0;
  // A slow peer answers as many queries as it can in a second.
  let asked = 0;
  for (; asked < queries.length && cpu() - before < 1; asked++) hits += await peer.search(queries[asked], k);
  tell({ cpu: cpu() - before, wall: (performance.now() - wall) / 1000, queries: asked, hits });
}
