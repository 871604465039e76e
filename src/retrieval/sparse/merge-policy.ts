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
 * @param most live documents that a merged segment may have
 */
export function chooseMerge<T extends Mergeable>(
  segments: readonly T[],
  most = Number.POSITIVE_INFINITY,
): T[] {
  const wasteful = segments.find(
    s =>
      s.liveDocuments > 0 &&
      s.liveDocuments <= most &&
      s.documents - s.liveDocuments >= s.documents * DELETED_SHARE,
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
  for (const [, members] of [...tiers].sort(([a], [b]) => a - b)) {
    if (members.length < FACTOR) continue;
    const chosen = within(members, most);
    if (chosen.length > 1) return chosen;
  }
  return [];
}

/** The smallest of some segments, in their order, that have so many documents together at most. */
function within<T extends Mergeable>(members: T[], most: number): T[] {
  let left = most;
  const chosen = new Set<T>();
  for (const segment of [...members].sort((a, b) => a.liveDocuments - b.liveDocuments)) {
    left -= segment.liveDocuments;
    if (left < 0) break;
    chosen.add(segment);
  }
  return members.filter(segment => chosen.has(segment));
}
