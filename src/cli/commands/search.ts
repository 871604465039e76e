import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { SimilaritySpec, SparseIndex } from '../../retrieval/sparse/index.ts';
import { defineCommand, type Io, oneText, wholeNumber } from '../command.ts';
import { EXIT, isExpected, UsageError } from '../errors.ts';
import { hitLines, searchIndex } from '../hits.ts';
import { count } from '../table.ts';
import { widthOf } from '../terminal.ts';

interface SearchOptions {
  readonly k: number;
  readonly similarity: SimilaritySpec;
}

/** `lucene`, `lucene:k1=0.9,b=0.4`, or JSON. */
export function similaritySpec(text: string): SimilaritySpec {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as SimilaritySpec;
    } catch (error) {
      throw new UsageError(`--similarity ${text}: not JSON (${(error as Error).message})`, {
        help: 'for example lucene:k1=0.9,b=0.4',
      });
    }
  }
  const [name, rest] = text.split(/:(.*)/s);
  if (!rest) return name as SimilaritySpec;
  const parameters = rest.split(',').map(pair => {
    const [key, value] = pair.split('=');
    if (!value)
      throw new UsageError(`--similarity ${text}: "${pair}" has no value`, { help: 'wanted name=value' });
    const number = Number(value);
    return [
      key.trim(),
      value === 'true' ? true : value === 'false' ? false : Number.isNaN(number) ? value : number,
    ];
  });
  return { name, ...Object.fromEntries(parameters) } as SimilaritySpec;
}

/** Searches once and prints; gives the number of hits. */
function once(index: SparseIndex, query: string, options: SearchOptions, io: Io): number {
  const hits = searchIndex(index, query, options);
  const width = widthOf(process.stdout);
  for (const line of hitLines(hits, query, index.analyzer, width, io.style)) io.out(line);
  if (hits.length === 0) {
    const terms = index.analyzer.terms(query);
    io.err(
      terms.length === 0
        ? 'no hits: nothing of the query is a word that is searched (a stop word, or a sign)'
        : `no hits: no document holds ${terms.map(t => `"${t}"`).join(' or ')}`,
    );
  }
  return hits.length;
}

/** Reads queries line by line until the end of input. */
async function interactive(index: SparseIndex, options: SearchOptions, io: Io): Promise<number> {
  io.err(`${count(index.info.documents)} documents; an empty line or Ctrl-D ends`);
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: 'search> ' });
  lines.prompt();
  for await (const line of lines) {
    const query = line.trim();
    if (query === '') break;
    once(index, query, options, io);
    lines.prompt();
  }
  lines.close();
  return EXIT.ok;
}

export const command = defineCommand({
  usage: 'search <index> [query..]',
  summary: 'Searches an index and shows the best hits, the matching words marked.',
  text: 'Without a query, on a terminal, it asks for one after the other. A query that begins with a dash goes behind --.',
  build: y =>
    y
      .positional('index', { type: 'string', demandOption: true, describe: 'the folder of the index' })
      .positional('query', { type: 'string', array: true, describe: 'words to look for' })
      .option('k', {
        type: 'string',
        requiresArg: true,
        default: 5,
        coerce: (value: unknown) => wholeNumber('-k')(value) as number,
        describe: 'hits to show',
      })
      .option('similarity', {
        type: 'string',
        requiresArg: true,
        default: 'lucene',
        coerce: (value: unknown) => oneText('--similarity')(value) as string,
        describe: 'how hits are scored: a name, or name:parameter=value,…',
      })
      .example('$0 indexes/wiki who wrote the anthem', 'five hits')
      .example("$0 indexes/wiki '서울의 인구' -k 20 --json", 'for a program')
      .example('$0 indexes/wiki anthem --similarity lucene:k1=0.9,b=0.4', 'scored otherwise'),
  run: async (args, io) => {
    const query = [...(args.query ?? []), ...(args._ as string[])].join(' ').trim();
    const asks = query === '' && process.stdin.isTTY === true && !args.json;
    if (query === '' && !asks) {
      throw new UsageError('search: QUERY is missing', { help: 'usage: millrace search <index> [query..]' });
    }
    const options = { k: args.k, similarity: similaritySpec(args.similarity) };
    const { resolveSimilarity, SparseIndex } = await import('../../retrieval/sparse/index.ts');
    try {
      resolveSimilarity(options.similarity);
    } catch (error) {
      if (!isExpected(error)) throw error;
      throw new UsageError(`--similarity: ${error.message.replace(/^similarity:? /, '')}`);
    }
    const index = await SparseIndex.open(resolve(args.root, args.index));
    try {
      if (asks) return await interactive(index, options, io);
      if (args.json)
        io.json({ index: args.index, query, k: args.k, hits: searchIndex(index, query, options) });
      else once(index, query, options, io);
      return EXIT.ok;
    } finally {
      index.close();
    }
  },
});
