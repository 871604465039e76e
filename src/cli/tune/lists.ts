/** Hits of two indexes for the questions of a set: what merging is tuned on. */
import { resolve } from 'node:path';
import { fusionWeightOf } from '../../models/index.ts';
import { type DenseSettings, denseGenerations } from '../../retrieval/dense/index.ts';
import type { HitList } from '../../retrieval/fusion/index.ts';
import { type ScoringSpec, SparseIndex } from '../../retrieval/sparse/index.ts';
import { indexKind } from '../../retrieval/store/kind.ts';
import { UsageError } from '../errors.ts';
import { type Hit, searchIndex } from '../hits.ts';
import { openVectorSearch, questionModel, questionsOf } from '../vector-search.ts';

export interface Side {
  /** The index's folder as it was given. */
  readonly shown: string;
  /** A list a question. */
  readonly lists: readonly HitList[];
}

export interface Units {
  readonly docs: ReadonlyMap<string, string>;
  readonly texts: ReadonlyMap<string, string>;
}

interface Options {
  readonly root: string;
  readonly depth: number;
  /** The encoder of questions; default the one that the index names. */
  readonly model?: string;
  /** Of an index of words. */
  readonly similarity: ScoringSpec;
  /** Whether texts of hits are wanted, for metrics of answers. */
  readonly texts: boolean;
  readonly tick: (done: number) => void;
}

/** Searches both indexes. @throws UsageError where no unit is in both */
export async function bothSides(
  first: string,
  second: string,
  questions: readonly string[],
  options: Options,
): Promise<{ sides: [Side, Side]; units: Units }> {
  const docs = new Map<string, string>();
  const texts = new Map<string, string>();
  let done = 0;
  const listOf = (hits: readonly Hit[]): HitList => {
    for (const { unit_id, doc_id, text } of hits) {
      docs.set(unit_id, doc_id);
      if (options.texts) texts.set(unit_id, text);
    }
    options.tick(++done);
    return { keys: hits.map(h => h.unit_id), scores: Float64Array.from(hits, h => h.score) };
  };
  const sides: Side[] = [];
  for (const shown of [first, second]) sides.push(await side(shown, questions, options, listOf));
  const inSecond = new Set(sides[1].lists.flatMap(list => list.keys));
  if (!sides[0].lists.some(list => list.keys.some(key => inSecond.has(key))))
    throw new UsageError(`tune: no hit of ${first} is a hit of ${second}`, {
      help: 'wanted two indexes of the same units, with the same unit_id',
    });
  return { sides: sides as [Side, Side], units: { docs, texts } };
}

/** What merge.hits counts an index's hits for where nothing is said. @throws UsageError, ModelError */
export async function weightOf(shown: string, given: string | undefined, root: string): Promise<number> {
  const folder = resolve(root, shown);
  if (indexKind(folder) !== 'dense') return 1;
  const { model } = denseGenerations.find(folder).settings as unknown as DenseSettings;
  return fusionWeightOf((await questionModel(questionsOf(given, model, shown), root)).folder);
}

async function side(
  shown: string,
  questions: readonly string[],
  options: Options,
  listOf: (hits: readonly Hit[]) => HitList,
): Promise<Side> {
  const folder = resolve(options.root, shown);
  const kind = indexKind(folder);
  const lists: HitList[] = [];
  if (kind !== 'dense' && kind !== 'late') {
    const index = await SparseIndex.open(folder);
    try {
      for (const question of questions)
        lists.push(
          listOf(searchIndex(index, question, { k: options.depth, similarity: options.similarity })),
        );
    } finally {
      index.close();
    }
    return { shown, lists };
  }
  const open = await openVectorSearch(kind, folder, options.model, options.root, shown);
  try {
    for (const question of questions) lists.push(listOf(await open.search(question, { k: options.depth })));
    return { shown, lists };
  } finally {
    await open.close();
  }
}
