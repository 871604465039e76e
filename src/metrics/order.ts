/** The order in which hits are judged: who is first among equals, and one hit a document. */

/**
 * - `given` (default): the order of the hits, as the system ranked them; neighbours of equal score go by
 *   key ascending, so a tie cannot be decided by chance.
 * - `score`: by score descending, ties by key ascending.
 * - `trec`: as trec_eval does: by the score in single precision, descending, ties by document name
 *   descending (bytes of UTF-8); the given order plays no part.
 */
export type HitOrder = 'given' | 'score' | 'trec';

/** The retrieved units of one question, in rank order; all lists are of one length. */
export interface Hits {
  readonly docIds: ArrayLike<string>;
  /** Keys by which ties are broken (else the document's id decides; one document's units keep their order). */
  readonly unitIds?: ArrayLike<string>;
  readonly texts?: ArrayLike<string>;
  /** Higher is better. Without scores nothing is a tie. */
  readonly scores?: ArrayLike<number>;
}

/** Compares as strcmp does on UTF-8, which is by code point; JavaScript's `<` compares UTF-16 units. */
export function compareCodePoints(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (D800–DFFF) stand for code points above every other unit.
    return rankOfUnit(x) - rankOfUnit(y);
  }
  return a.length - b.length;
}

function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Positions of the hits in the order in which they are judged.
 *
 * @throws RangeError where the lists differ in length, or where an order by score meets no score or NaN.
 */
export function orderHits(hits: Hits, order: HitOrder, where: string): Uint32Array {
  const { docIds, scores } = hits;
  const size = docIds.length;
  checkLengths(hits, where);
  const positions = Uint32Array.from({ length: size }, (_, i) => i);
  if (order !== 'given') checkScores(scores, size, order, where);
  if (scores === undefined) return positions;

  const keys = hits.unitIds ?? docIds;
  if (order === 'trec') {
    return positions.sort(
      (a, b) =>
        Math.fround(scores[b]) - Math.fround(scores[a]) || compareCodePoints(docIds[b], docIds[a]) || a - b,
    );
  }
  const byKey = (a: number, b: number): number => compareCodePoints(keys[a], keys[b]) || a - b;
  if (order === 'score') return positions.sort((a, b) => scores[b] - scores[a] || byKey(a, b));
  for (let from = 0; from < size; ) {
    let to = from + 1;
    while (to < size && scores[to] === scores[from]) to++;
    if (to - from > 1) positions.subarray(from, to).sort(byKey);
    from = to;
  }
  return positions;
}

/** Keeps the first hit of each document. `docIds` in, the ids in the order of `positions` out. */
export function collapseByDocument(docIds: ArrayLike<string>, positions: Uint32Array): string[] {
  const seen = new Set<string>();
  for (let i = 0; i < positions.length; i++) seen.add(docIds[positions[i]]);
  return [...seen];
}

function checkLengths(hits: Hits, where: string): void {
  const size = hits.docIds.length;
  for (const name of ['unitIds', 'texts', 'scores'] as const) {
    const found = hits[name]?.length;
    if (found !== undefined && found !== size) {
      throw new RangeError(
        `${where}: hits.${name} has ${found} entries, wanted ${size}, one for each of hits.docIds`,
      );
    }
  }
}

function checkScores(
  scores: ArrayLike<number> | undefined,
  size: number,
  order: HitOrder,
  where: string,
): void {
  if (size === 0) return;
  const fix = "give a number a hit, or judge hits as they come with order: 'given'";
  if (scores === undefined) {
    throw new RangeError(`${where}: order '${order}' needs hits.scores, found none; ${fix}`);
  }
  for (let i = 0; i < size; i++) {
    if (Number.isNaN(scores[i]) || typeof scores[i] !== 'number') {
      throw new RangeError(
        `${where}: hit ${i} has the score ${scores[i]}, order '${order}' wants a number; ${fix}`,
      );
    }
  }
}
