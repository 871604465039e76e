/**
 * Retrieval quality on the shared data against the reference figures of its MANIFEST.
 * Run: npx tsx bench/sparse/quality.ts
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  type AnalyzerSpec,
  type SimilaritySpec,
  SparseIndex,
  SparseIndexWriter,
} from '../../src/retrieval/index.ts';
import { batchOf, type Collection, DATA, kobest, scifact, squad } from './data.ts';

async function build(
  texts: string[],
  analyzer: AnalyzerSpec,
): Promise<{ index: SparseIndex; done: () => void }> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sparse-'));
  const writer = await SparseIndexWriter.open(dir, { analyzer, keyColumn: 'id', replace: true });
  await writer.add(batchOf(texts));
  const { generation } = await writer.prepare();
  await writer.publish(generation);
  const index = await SparseIndex.open(dir);
  return {
    index,
    done: () => {
      index.close();
      fs.rmSync(dir, { recursive: true });
    },
  };
}

let failed = 0;
function bar(name: string, value: number, wanted: number): void {
  const holds = value >= wanted;
  if (!holds) failed++;
  console.log(
    `${name.padEnd(44)} ${value.toFixed(4)}  wanted ${wanted.toFixed(3)}  ${holds ? 'holds' : 'falls short'}`,
  );
}

async function gold(
  collection: Collection,
  analyzer: AnalyzerSpec,
  wanted: Record<number, number>,
  similarity: SimilaritySpec = 'lucene',
): Promise<void> {
  const { index, done } = await build(collection.texts, analyzer);
  const found: Record<number, number> = {};
  for (const { question, gold } of collection.questions) {
    const { docs } = index.search(question, { k: 20, similarity });
    // One segment: keys are padded numbers, so a document's number is its text's.
    const rank = docs.indexOf(gold);
    for (const k of Object.keys(wanted).map(Number))
      if (rank >= 0 && rank < k) found[k] = (found[k] ?? 0) + 1;
  }
  for (const [k, figure] of Object.entries(wanted)) {
    bar(`${collection.name} gold@${k}`, found[Number(k)] / collection.questions.length, figure);
  }
  done();
}

async function ndcg(): Promise<void> {
  const { ids, texts, topics, judged } = scifact();
  const { index, done } = await build(texts, 'english');
  let total = 0;
  for (const [topic, query] of topics) {
    const grades = judged.get(topic) ?? new Map<string, number>();
    const { docs } = index.search(query, { k: 10 });
    let gain = 0;
    docs.forEach((doc, rank) => {
      gain += (grades.get(ids[doc]) ?? 0) / Math.log2(rank + 2);
    });
    const ideal = [...grades.values()].sort((a, b) => b - a).slice(0, 10);
    total += gain / ideal.reduce((sum, grade, rank) => sum + grade / Math.log2(rank + 2), 0);
  }
  bar(`SciFact test (${ids.length}) nDCG@10`, total / topics.length, 0.682);
  done();
}

if (!fs.existsSync(DATA)) console.log(`skipped: no data at ${DATA} (set MILLRACE_DATA)`);
else {
  const squad2 = ['squad2-dev/dev-half.dev-v2.0.json', 'squad2-dev/other-half-no-answers.test-v2.0.json'];
  const wiki = 'squadshifts/new_wiki_v1.0.json';
  await gold(squad('new_wiki + squad2-dev', [wiki, ...squad2], [wiki]), 'english', {
    1: 0.768,
    5: 0.912,
    20: 0.96,
  });
  const korquad = squad('KorQuAD dev, bigrams', ['korquad1/KorQuAD_v1.0_dev.json']);
  await gold(korquad, 'korean', { 1: 0.89, 5: 0.98, 20: 0.995 });
  await gold({ ...korquad, name: 'KorQuAD dev, white space' }, 'whitespace', { 1: 0.76 });
  await gold(
    { ...korquad, name: 'KorQuAD + KoBEST, bigrams', texts: [...new Set([...korquad.texts, ...kobest()])] },
    'korean',
    { 1: 0.84, 5: 0.96, 20: 0.985 },
  );
  const mixed = { ...korquad, texts: [...new Set([...korquad.texts, ...kobest()])] };
  const best: AnalyzerSpec = {
    name: 'korean',
    grams: 'unigrams+bigrams',
    particles: 'strip',
    stopwords: 'questions',
  };
  const softer: SimilaritySpec = { name: 'lucene', k1: 0.9, b: 0.4 };
  const k = 'KorQuAD + KoBEST';
  await gold({ ...mixed, name: `${k}, bigrams, k1 .9 b .4` }, 'korean', { 1: 0.85 }, softer);
  await gold({ ...mixed, name: `${k}, particles off` }, best, { 1: 0.84 });
  await gold({ ...mixed, name: `${k}, particles off, k1 .9 b .4` }, best, { 1: 0.85 }, softer);
  const stems: AnalyzerSpec = { ...best, grams: 'words' };
  await gold({ ...mixed, name: `${k}, words, k1 .9 b .4` }, stems, { 1: 0.85 }, softer);
  await ndcg();
  process.exitCode = failed > 0 ? 1 : 0;
}
