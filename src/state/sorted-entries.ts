/**
 * The entries of a piece of a journal in order of their keys: a B-tree takes them several times as fast, and fills its
 * pages, where they come in order.
 */

/** Bytes of an entry before its key: lengths of key (2) and value (4). */
export const ENTRY_HEAD = 6;
export const DELETED = 0xffffffff;
/** Table and slot, by which entries are told apart first. */
const GROUP_BYTES = 3;
/** Most entries of a piece: a number that a double holds beside four bytes of a key. */
export const MOST_ENTRIES = 1 << 20;

/** An entry of a piece: where its key and its value begin, and where it ends; no value where it was deleted. */
export type UseEntry = (key: number, value: number, end: number, deleted: boolean) => void;

/** Calls back with the entry that stands at `at`; gives where it ends. */
function useAt(piece: Buffer, at: number, use: UseEntry): number {
  const value = at + ENTRY_HEAD + piece[at] + (piece[at + 1] << 8);
  const length = piece.readUInt32LE(at + 2);
  const deleted = length === DELETED;
  const end = deleted ? value : value + length;
  use(at + ENTRY_HEAD, value, end, deleted);
  return end;
}

/** Bytes of the entry that stands at `at`, of which the head is there. */
export function entryLength(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at + 2);
  return ENTRY_HEAD + bytes.readUInt16LE(at) + (value === DELETED ? 0 : value);
}

/** Calls back with each entry, as they come. @param piece whole entries */
export function eachInTurn(piece: Buffer, use: UseEntry): void {
  for (let at = 0; at < piece.length; ) at = useAt(piece, at, use);
}

/** {@link eachInTurn}, with views of keys and values. */
export function eachEntry(piece: Buffer, use: (key: Buffer, value: Buffer | undefined) => void): void {
  eachInTurn(piece, (key, value, end, deleted) =>
    use(piece.subarray(key, value), deleted ? undefined : piece.subarray(value, end)),
  );
}

/**
 * Calls back with each entry, in order of their keys; those of one key in the order they have in the piece. With places
 * in the piece, since views of hundreds of thousands of keys and values would take longer than the rest.
 * @param piece whole entries, at most {@link MOST_ENTRIES}
 */
export function eachSorted(piece: Buffer, use: UseEntry): void {
  const give = (at: number): void => void useAt(piece, at, use);
  const compare = (a: number, b: number): number =>
    piece.compare(
      piece,
      b + ENTRY_HEAD,
      b + ENTRY_HEAD + piece.readUInt16LE(b),
      a + ENTRY_HEAD,
      a + ENTRY_HEAD + piece.readUInt16LE(a),
    );
  for (const { starts, order } of groupsOf(piece)) {
    let ascending = true;
    for (let i = 0, last = -1; i < order.length; i++) {
      const prefix = prefixOf(piece, starts[i]);
      order[i] = prefix * MOST_ENTRIES + i;
      ascending &&= prefix > last;
      last = prefix;
    }
    // as ids are that are given for the first time
    if (ascending) {
      for (let i = 0; i < starts.length; i++) give(starts[i]);
      continue;
    }
    order.sort();
    for (let from = 0, to = 1; from < order.length; from = to++) {
      const prefix = Math.floor(order[from] / MOST_ENTRIES);
      while (to < order.length && Math.floor(order[to] / MOST_ENTRIES) === prefix) to++;
      if (to - from === 1) give(starts[order[from] % MOST_ENTRIES]);
      else {
        const same = Array.from(order.subarray(from, to), packed => starts[packed % MOST_ENTRIES]);
        same.sort((a, b) => compare(a, b) || a - b);
        for (const at of same) give(at);
      }
    }
  }
}

/** Where the entries of a table and slot begin, and room to order them. */
interface Group {
  readonly starts: Uint32Array;
  readonly order: Float64Array;
}

/** Groups in order; in typed arrays, as a piece has hundreds of thousands of entries. */
function groupsOf(piece: Buffer): Group[] {
  const counts = new Map<number, number>();
  each(piece, (_, group) => counts.set(group, (counts.get(group) ?? 0) + 1));
  for (const count of counts.values())
    if (count > MOST_ENTRIES) throw new Error('a piece of a journal has too many entries');
  const groups = new Map(
    [...counts]
      .sort(([a], [b]) => a - b)
      .map(([group, count]) => [
        group,
        { starts: new Uint32Array(count), order: new Float64Array(count), used: 0 },
      ]),
  );
  each(piece, (at, group) => {
    const some = groups.get(group);
    if (some) some.starts[some.used++] = at;
  });
  return [...groups.values()];
}

function each(piece: Buffer, use: (at: number, group: number) => void): void {
  eachInTurn(piece, (key, value) => {
    const grouped = value - key >= GROUP_BYTES;
    use(key - ENTRY_HEAD, grouped ? (piece[key] << 16) + (piece[key + 1] << 8) + piece[key + 2] : 0);
  });
}

/** Four bytes of the key behind the group, as a number; 0 for those that are not there. */
function prefixOf(piece: Buffer, at: number): number {
  const end = at + ENTRY_HEAD + piece[at] + (piece[at + 1] << 8);
  const from = at + ENTRY_HEAD + GROUP_BYTES;
  let prefix = 0;
  for (let i = from; i < from + 4; i++) prefix = prefix * 256 + (i < end ? piece[i] : 0);
  return prefix;
}
