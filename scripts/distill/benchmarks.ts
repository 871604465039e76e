/** The benchmarks of the model cards: SciFact nDCG@10, and gold@20 of questions on new_wiki and KorQuAD. */
import { findDataset } from '../../datasets/index.ts';

export interface Benchmark {
  readonly name: string;
  readonly measure: 'ndcg@10' | 'gold@20';
  readonly corpus: readonly string[];
  readonly queries: readonly string[];
  /** Places in the corpus that are relevant to each query. */
  readonly gold: readonly (readonly number[])[];
}

async function rows(name: string, take: string, split?: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const row of findDataset(name).takes[take].rows({ split })) found.push(row);
  return found;
}

export async function scifact(): Promise<Benchmark> {
  const documents = await rows('scifact', 'documents');
  const questions = await rows('scifact', 'questions', 'test');
  const place = new Map(documents.map((d, i) => [String(d.doc_id), i]));
  return {
    name: 'SciFact test',
    measure: 'ndcg@10',
    corpus: documents.map(d => `${d.title} ${d.text}`),
    queries: questions.map(q => String(q.question)),
    gold: questions.map(q => (q.doc_ids as string[]).map(id => place.get(id) as number)),
  };
}

/**
 * Questions on new_wiki against its paragraphs and those of squad2-dev.
 * @param split `train`, `dev` or `test` articles; without it all questions
 */
export async function newWiki(split?: string): Promise<Benchmark> {
  const documents = [...(await rows('new-wiki', 'documents')), ...(await rows('squad2-dev', 'documents'))];
  const place = new Map<string, number>();
  const corpus: string[] = [];
  for (const d of documents) {
    if (place.has(String(d.doc_id))) continue;
    place.set(String(d.doc_id), corpus.length);
    corpus.push(String(d.text));
  }
  const questions = await rows('new-wiki', 'questions', split);
  return {
    name: `new_wiki ${split ?? 'all'} over new_wiki + squad2-dev`,
    measure: 'gold@20',
    corpus,
    queries: questions.map(q => String(q.question)),
    gold: questions.map(q => (q.doc_ids as string[]).map(id => place.get(id) as number)),
  };
}

/** Questions of KorQuAD 1.0 dev against its paragraphs. */
export async function korquad(): Promise<Benchmark> {
  const documents = await rows('korquad1', 'documents');
  const questions = await rows('korquad1', 'questions');
  const place = new Map(documents.map((d, i) => [String(d.doc_id), i]));
  return {
    name: 'KorQuAD 1.0 dev',
    measure: 'gold@20',
    corpus: documents.map(d => String(d.text)),
    queries: questions.map(q => String(q.question)),
    gold: questions.map(q => (q.doc_ids as string[]).map(id => place.get(id) as number)),
  };
}

/** A smaller benchmark: evenly chosen questions, every passage that is relevant to one, and others in their order. */
export function part(bench: Benchmark, questions: number, documents: number): Benchmark {
  const step = Math.max(1, Math.floor(bench.queries.length / questions));
  const asked = bench.queries.flatMap((_, i) => (i % step === 0 && i / step < questions ? [i] : []));
  const kept = new Set(asked.flatMap(i => bench.gold[i]));
  const stride = Math.max(1, Math.floor(bench.corpus.length / documents));
  for (let p = 0; p < bench.corpus.length && kept.size < documents; p += stride) kept.add(p);
  const order = [...kept].sort((a, b) => a - b);
  const place = new Map(order.map((p, i) => [p, i]));
  return {
    ...bench,
    name: `${bench.name}, ${asked.length} questions over ${order.length} passages`,
    corpus: order.map(p => bench.corpus[p]),
    queries: asked.map(i => bench.queries[i]),
    gold: asked.map(i => bench.gold[i].map(p => place.get(p) as number)),
  };
}

/** Mean nDCG@10 or gold@20 of a ranking by dot product, every vector compared. */
export function score(bench: Benchmark, passages: Float32Array, queries: Float32Array, d: number): number {
  const n = bench.corpus.length;
  const scores = new Float32Array(n);
  let sum = 0;
  for (let q = 0; q < bench.queries.length; q++) {
    for (let p = 0; p < n; p++) {
      let dot = 0;
      for (let c = 0; c < d; c++) dot += passages[p * d + c] * queries[q * d + c];
      scores[p] = dot;
    }
    // rank of each gold passage: how many score higher, or the same and stand before it
    const ranks = bench.gold[q].map(g => {
      let rank = 0;
      for (let p = 0; p < n; p++) if (scores[p] > scores[g] || (scores[p] === scores[g] && p < g)) rank++;
      return rank;
    });
    if (bench.measure === 'gold@20') sum += ranks.some(r => r < 20) ? 1 : 0;
    else {
      const gain = ranks.filter(r => r < 10).reduce((total, r) => total + 1 / Math.log2(r + 2), 0);
      let ideal = 0;
      for (let i = 0; i < Math.min(10, ranks.length); i++) ideal += 1 / Math.log2(i + 2);
      sum += gain / ideal;
    }
  }
  return sum / bench.queries.length;
}
