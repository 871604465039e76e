/**
 * Writes a corpus of passages of about 100 words for speed benches: real sentences of the shared data,
 * drawn with a fixed seed, so that 100,000 or a million passages have natural term statistics.
 * Run: npx tsx bench/sparse/corpus.ts [passages]
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { scifact, squad } from './data.ts';

export const BENCH_DATA = path.join(import.meta.dirname, '../.data');

/** Path of the corpus (JSON lines, one string a line) and of its queries, made where absent. */
export function corpus(passages: number): { texts: string; queries: string } {
  fs.mkdirSync(BENCH_DATA, { recursive: true });
  const texts = path.join(BENCH_DATA, `passages-${passages}.jsonl`);
  const queries = path.join(BENCH_DATA, 'queries.jsonl');
  const wiki = squad('wiki', ['squadshifts/new_wiki_v1.0.json']);
  if (!fs.existsSync(queries)) {
    const every = wiki.questions.filter((_, i) => i % 4 === 0).map(q => JSON.stringify(q.question));
    fs.writeFileSync(queries, `${every.join('\n')}\n`);
  }
  if (fs.existsSync(texts)) return { texts, queries };
  const squad2 = squad('squad2', [
    'squad2-dev/dev-half.dev-v2.0.json',
    'squad2-dev/other-half-no-answers.test-v2.0.json',
  ]);
  const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
  const sentences = [...wiki.texts, ...squad2.texts, ...scifact().texts].flatMap(text =>
    Array.from(segmenter.segment(text), s => s.segment.trim()).filter(s => s !== ''),
  );
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 4294967296;
  };
  const out = fs.openSync(`${texts}.tmp`, 'w');
  let lines: string[] = [];
  for (let i = 0; i < passages; i++) {
    const parts: string[] = [];
    // Three runs of neighbouring sentences, so that a passage has topics.
    for (let words = 0; words < 90; ) {
      let at = Math.floor(random() * sentences.length);
      for (let s = 0; s < 2 && words < 90 && at < sentences.length; s++, at++) {
        parts.push(sentences[at]);
        words += sentences[at].split(' ').length;
      }
    }
    lines.push(JSON.stringify(parts.join(' ')));
    if (lines.length === 5000 || i + 1 === passages) {
      fs.writeSync(out, `${lines.join('\n')}\n`);
      lines = [];
    }
  }
  fs.closeSync(out);
  fs.renameSync(`${texts}.tmp`, texts);
  return { texts, queries };
}

if (process.argv[1] === import.meta.filename) console.log(corpus(Number(process.argv[2] ?? 100_000)));
