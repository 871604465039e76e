/** What the policy looks at. */
export interface Mergeable {
  liveDocuments: number;
  documents: number;
  bytes: number;
}

/** Segments of one tier that are merged together. */
const FACTOR = 8;
/** Segments below this size count as one tier. */
const FLOOR_BYTES = 2 << 20;
/** A segment with at least this share of deleted documents is rewritten. */
const DELETED_SHARE = 0.5;

/**
 * Tiered merging: once eight segments are within one order (base 8) of size they become one, so a
 * document is rewritten about log8(n) times. Gives the segments to merge next, none where all is well.
 */
export function chooseMerge<T extends Mergeable>(segments: readonly T[]): T[] {
  const wasteful = segments.find(
    s => s.liveDocuments > 0 && s.documents - s.liveDocuments >= s.documents * DELETED_SHARE,
  );
  if (wasteful !== undefined) return [wasteful];
  const tiers = new Map<number, T[]>();
  for (const segment of segments) {
    if (segment.liveDocuments === 0) continue;
    const live = (segment.bytes * segment.liveDocuments) / segment.documents;
    const tier = live <= FLOOR_BYTES ? 0 : 1 + Math.floor(Math.log(live / FLOOR_BYTES) / Math.log(FACTOR));
    const members = tiers.get(tier);
    if (members === undefined) tiers.set(tier, [segment]);
    else members.push(segment);
  }
  for (const [, members] of [...tiers].sort(([a], [b]) => a - b))
    if (members.length >= FACTOR) return members;
  return [];
}
