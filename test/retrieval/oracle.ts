import type { Doc } from './helpers.ts';

type Formula = (f: number, l: number, n: number, cf: number) => number;

/**
 * Scores by the published formulas over plain maps: slow, simple, and sharing nothing with the index.
 * A document that holds no query term is not in the result.
 */
export function bruteForce(
  docs: readonly Doc[],
  query: readonly string[],
  name: string,
): Map<string, number> {
  const bags = docs.map(doc => {
    const terms = (doc.text ?? '').split(' ').filter(t => t !== '');
    const counts = new Map<string, number>();
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    return { key: doc.key, l: terms.length, counts };
  });
  const N = docs.length;
  const total = bags.reduce((sum, bag) => sum + bag.l, 0);
  const L = total / N;
  const u = (b: number, l: number) => 1 - b + (b * l) / L;
  const nOf = (t: string) => bags.filter(bag => bag.counts.has(t)).length;
  const cfOf = (t: string) => bags.reduce((sum, bag) => sum + (bag.counts.get(t) ?? 0), 0);
  const sat = (k1: number, b: number, f: number, l: number) => f / (f + k1 * u(b, l));
  const formulas: Record<string, Formula> = {
    okapi: (f, l, n) => Math.log((N - n + 0.5) / (n + 0.5)) * 2.2 * sat(1.2, 0.75, f, l),
    robertson: (f, l, n) => Math.max(0, Math.log((N - n + 0.5) / (n + 0.5))) * sat(1.5, 0.75, f, l),
    lucene: (f, l, n) => Math.log(1 + (N - n + 0.5) / (n + 0.5)) * sat(1.2, 0.75, f, l),
    bm25: (f, l, n) => Math.log(1 + (N - n + 0.5) / (n + 0.5)) * 2.2 * sat(1.2, 0.75, f, l),
    atire: (f, l, n) => Math.log(N / n) * 1.9 * sat(0.9, 0.4, f, l),
    bm25l: (f, l, n) => {
      const c = f / u(0.75, l);
      return (Math.log((N + 1) / (n + 0.5)) * (2.2 * (c + 0.5))) / (1.2 + c + 0.5);
    },
    'bm25+': (f, l, n) => Math.log((N + 1) / n) * (2.2 * sat(1.2, 0.75, f, l) + 1),
    tfldp: (f, l, n) => Math.log((N + 1) / n) * (1 + Math.log(1 + Math.log(f / u(0.4, l) + 1))),
    'lm-dirichlet': (f, l, _, cf) => Math.log(1 + f / ((2000 * cf) / total)) + Math.log(2000 / (2000 + l)),
    'lm-jm': (f, l, _, cf) => Math.log(1 + f / l / (cf / total)),
  };
  const formula = formulas[name];
  const scores = new Map<string, number>();
  for (const term of query) {
    const n = nOf(term);
    if (n === 0) continue;
    const cf = cfOf(term);
    for (const bag of bags) {
      const f = bag.counts.get(term);
      if (f !== undefined) scores.set(bag.key, (scores.get(bag.key) ?? 0) + formula(f, bag.l, n, cf));
    }
  }
  if (name === 'lm-dirichlet') {
    // The length part counts once for every query term of the collection, held by the document or not.
    const present = query.filter(t => nOf(t) > 0);
    for (const bag of bags) {
      const had = scores.get(bag.key);
      if (had === undefined) continue;
      const held = present.filter(t => bag.counts.has(t)).length;
      scores.set(bag.key, had + (present.length - held) * Math.log(2000 / (2000 + bag.l)));
    }
  }
  return scores;
}

export const BRUTE_FORCE = [
  'okapi',
  'robertson',
  'lucene',
  'bm25',
  'atire',
  'bm25l',
  'bm25+',
  'tfldp',
  'lm-dirichlet',
  'lm-jm',
] as const;
