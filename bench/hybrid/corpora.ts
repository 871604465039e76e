/** Corpora with questions to choose on and questions to measure on. */
import { findDataset } from '../../datasets/index.ts';
import type { AnalyzerSpec } from '../../src/retrieval/analysis/index.ts';

export interface Corpus {
  readonly name: string;
  readonly measure: 'gold@1' | 'ndcg@10';
  readonly analyzer: AnalyzerSpec;
  readonly english: boolean;
  readonly keys: readonly string[];
  readonly texts: readonly string[];
  readonly dev: readonly Question[];
  readonly test: readonly Question[];
  /** Both are measured, each with what was chosen on the other. */
  readonly crossed?: boolean;
}

export interface Question {
  readonly text: string;
  readonly gold: ReadonlySet<string>;
}

type Row = Record<string, unknown>;

async function rows(name: string, take: string, split?: string): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of findDataset(name).takes[take].rows({ split })) found.push(row);
  return found;
}

const questions = (found: readonly Row[]): Question[] =>
  found.map(q => ({ text: String(q.question), gold: new Set(q.doc_ids as string[]) }));

function corpus(
  base: Omit<Corpus, 'keys' | 'texts' | 'dev' | 'test'>,
  documents: readonly Row[],
  text: (d: Row) => string,
  dev: readonly Row[],
  test: readonly Row[],
): Corpus {
  const distinct = new Map(documents.map(d => [String(d.doc_id), text(d)]));
  return {
    ...base,
    keys: [...distinct.keys()],
    texts: [...distinct.values()],
    dev: questions(dev),
    test: questions(test),
  };
}

/** Those whose data is there, and what is missing of the others. */
export async function corpora(): Promise<{ found: Corpus[]; missing: string[] }> {
  const found: Corpus[] = [];
  const missing: string[] = [];
  const add = async (names: readonly string[], make: () => Promise<Corpus>): Promise<void> => {
    for (const name of names) {
      const lacks = await findDataset(name).available({});
      if (lacks !== undefined) {
        missing.push(lacks);
        return;
      }
    }
    found.push(await make());
  };
  const titled = (d: Row): string => `${d.title} ${d.text}`;
  const english = { analyzer: 'english', english: true } as const;
  await add(['new-wiki', 'squad2-dev'], async () =>
    corpus(
      { name: 'new_wiki test, over new_wiki + squad2', measure: 'gold@1', ...english },
      [...(await rows('new-wiki', 'documents')), ...(await rows('squad2-dev', 'documents'))],
      d => String(d.text),
      await rows('new-wiki', 'questions', 'dev'),
      await rows('new-wiki', 'questions', 'test'),
    ),
  );
  await add(['scifact'], async () =>
    corpus(
      { name: 'SciFact test', measure: 'ndcg@10', ...english },
      await rows('scifact', 'documents'),
      titled,
      await rows('scifact', 'questions', 'train'),
      await rows('scifact', 'questions', 'test'),
    ),
  );
  await add(['factbook'], async () => {
    const documents = await rows('factbook', 'documents');
    const dev = await rows('factbook', 'questions', 'dev');
    const half = (odd: number) => dev.filter((_, i) => i % 2 === odd);
    return corpus(
      { name: 'Factbook dev', measure: 'gold@1', crossed: true, ...english },
      documents,
      titled,
      half(0),
      half(1),
    );
  });
  await add(['korquad1'], async () => {
    const all = await rows('korquad1', 'questions');
    // by article: no paragraph of the one half is asked for in the other
    const titles = [...new Set(all.map(q => String(q.title)))].sort();
    const first = new Set(titles.filter((_, i) => i % 3 === 0));
    return corpus(
      {
        name: 'KorQuAD dev, two thirds of its articles',
        measure: 'gold@1',
        analyzer: 'korean',
        english: false,
      },
      await rows('korquad1', 'documents'),
      d => String(d.text),
      all.filter(q => first.has(String(q.title))),
      all.filter(q => !first.has(String(q.title))),
    );
  });
  return { found, missing };
}
