import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { SearchOptions as IndexSearchOptions, SparseIndex } from '../../retrieval/sparse/index.ts';
import { defineCommand, type Io, oneText, wholeNumber } from '../command.ts';
import { EXIT, isExpected, UsageError } from '../errors.ts';
import { hitLines, searchIndex } from '../hits.ts';
import { filterOf, similaritySpec } from '../search-options.ts';
import { count } from '../table.ts';
import { widthOf } from '../terminal.ts';

interface SearchOptions extends IndexSearchOptions {
  readonly explain: boolean;
}

/** Searches once and prints; gives the number of hits. */
function once(index: SparseIndex, query: string, options: SearchOptions, io: Io): number {
  const hits = searchIndex(index, query, options);
  const width = widthOf(process.stdout);
  const { feedback, ...asked } = options;
  const terms = [...new Set(index.queryTerms(query, asked).map(t => t.term))];
  for (const line of hitLines(hits, terms, index.analyzer, width, io.style)) io.out(line);
  if (hits.length === 0) {
    const conditions = /["+\-:(]/.test(query) && options.syntax === 'query';
    io.err(
      terms.length === 0
        ? 'no hits: nothing of the query is a word that is searched (a stop word, or a sign)'
        : conditions || options.filter !== undefined
          ? 'no hits: no document meets all conditions; --plain takes signs as text'
          : `no hits: no document holds ${terms.map(t => `"${t}"`).join(' or ')}`,
    );
  }
  return hits.length;
}

/** Reads queries line by line until the end of input. */
async function interactive(
  documents: number,
  ask: (query: string) => unknown | Promise<unknown>,
  io: Io,
): Promise<number> {
  io.err(`${count(documents)} documents; an empty line or Ctrl-D ends`);
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: 'search> ' });
  lines.prompt();
  for await (const line of lines) {
    const query = line.trim();
    if (query === '') break;
    await ask(query);
    lines.prompt();
  }
  lines.close();
  return EXIT.ok;
}

interface VectorArgs {
  readonly root: string;
  readonly index: string;
  readonly k: number;
  readonly json: boolean;
  readonly model?: string;
  readonly filter: readonly string[];
  readonly explain: boolean;
  readonly plain: boolean;
  readonly feedback: boolean;
  readonly field?: string;
  readonly similarity: string;
}

/** Searches an index of vectors. */
async function vectors(
  kind: 'dense' | 'late',
  folder: string,
  query: string,
  args: VectorArgs,
  io: Io,
): Promise<number> {
  const foreign = (['explain', 'plain', 'feedback', 'field'] as const).find(name => args[name]);
  const option = args.similarity === 'lucene' ? foreign : 'similarity';
  if (option !== undefined)
    throw new UsageError(`--${option}: is for indexes of words; the one at ${args.index} holds vectors`);
  const { openVectorSearch } = await import('../vector-search.ts');
  const open = await openVectorSearch(kind, folder, args.model, args.root, args.index);
  try {
    const filter = args.filter.length === 0 ? undefined : filterOf(args.filter, open.columns);
    const ask = async (text: string): Promise<void> => {
      const hits = await open.search(text, { k: args.k, filter });
      if (args.json) io.json({ index: args.index, query: text, k: args.k, hits });
      else
        for (const line of hitLines(hits, text, open.analyzer, widthOf(process.stdout), io.style))
          io.out(line);
      if (hits.length === 0 && !args.json)
        io.err(
          filter === undefined
            ? 'no hits: nothing of the query has a vector, or the index is empty'
            : 'no hits: no document meets all conditions',
        );
    };
    if (query === '') return await interactive(open.documents, ask, io);
    await ask(query);
    return EXIT.ok;
  } finally {
    await open.close();
  }
}

export const command = defineCommand({
  usage: 'search <index> [query..]',
  summary: 'Searches an index and shows the best hits, the matching words marked.',
  text: `The index may hold words, vectors or token vectors; questions to vectors are encoded by --model. Of words, a query may say "exact phrase", +must, -not, title:word (a text field), word^2 (counts twice) and ( groups ); a sign
without meaning where it stands is text. Without a query, on a terminal, it asks for one after the other. A query that
begins with a dash goes behind --.`,
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
        describe: 'how hits are scored: a name, name:parameter=value,… or JSON',
      })
      .option('explain', { type: 'boolean', default: false, describe: 'take every score apart' })
      .option('plain', {
        type: 'boolean',
        default: false,
        describe: 'the query is a bag of words: signs mean nothing',
      })
      .option('field', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--field'),
        describe: 'search this text field only',
      })
      .option('filter', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'COLUMN=VALUE[,VALUE…], COLUMN>=VALUE or COLUMN<=VALUE; may stand several times',
      })
      .option('model', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--model'),
        describe: 'of an index of vectors: the encoder of questions; default: the one that the index names',
      })
      .option('feedback', {
        type: 'boolean',
        default: false,
        describe: 'add terms of the best hits to the query (RM3)',
      })
      .example('$0 indexes/wiki who wrote the anthem', 'five hits')
      .example("$0 indexes/wiki '서울의 인구' -k 20 --json", 'for a program')
      .example('$0 indexes/wiki anthem --similarity lucene:k1=0.9,b=0.4', 'scored otherwise')
      .example('$0 indexes/wiki \'+anthem "national song" -sport\' --filter unit=passage', 'with conditions')
      .example('$0 indexes/dense who wrote it --model hf:intfloat/e5-small-v2', 'an index of vectors')
      .example('$0 indexes/wiki anthem --explain', 'tf, df, idf and length norm of every term'),
  run: async (args, io) => {
    const query = [...(args.query ?? []), ...(args._ as string[])].join(' ').trim();
    const asks = query === '' && process.stdin.isTTY === true && !args.json;
    if (query === '' && !asks) {
      throw new UsageError('search: QUERY is missing', { help: 'usage: millrace search <index> [query..]' });
    }
    const { indexKind } = await import('../../retrieval/store/kind.ts');
    const folder = resolve(args.root, args.index);
    const kind = indexKind(folder);
    if (kind === 'dense' || kind === 'late') return vectors(kind, folder, query, args, io);
    if (args.model !== undefined)
      throw new UsageError('--model: is for indexes of vectors; this one holds words');
    const similarity = similaritySpec(args.similarity);
    const { resolveScoring, SparseIndex } = await import('../../retrieval/sparse/index.ts');
    try {
      resolveScoring(similarity);
    } catch (error) {
      if (!isExpected(error)) throw error;
      throw new UsageError(`--similarity: ${error.message.replace(/^similarity:? ?:? ?/, '')}`);
    }
    const { indexFolder } = await import('../index-folder.ts');
    const index = await SparseIndex.open(indexFolder(args.root, args.index));
    try {
      const options: SearchOptions = {
        k: args.k,
        similarity,
        explain: args.explain,
        syntax: args.plain ? 'plain' : 'query',
        field: args.field,
        filter: args.filter.length === 0 ? undefined : filterOf(args.filter, index.info.columns),
        feedback: args.feedback,
      };
      if (asks) return await interactive(index.info.documents, q => once(index, q, options, io), io);
      if (args.json)
        io.json({ index: args.index, query, k: args.k, hits: searchIndex(index, query, options) });
      else once(index, query, options, io);
      return EXIT.ok;
    } finally {
      index.close();
    }
  },
});
