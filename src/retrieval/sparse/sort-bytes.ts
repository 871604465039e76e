import { compareBytes } from './bytes.ts';

/**
 * The order of byte strings `bytes[offsets[id] .. offsets[id + 1])` for the given ids: radix passes over
 * the first six bytes, then comparison inside groups that share them.
 */
export function sortByBytes(bytes: Uint8Array, offsets: ArrayLike<number>, ids: Int32Array): Int32Array {
  const n = ids.length;
  const compare = (a: number, b: number) =>
    compareBytes(bytes, offsets[a], offsets[a + 1], bytes, offsets[b], offsets[b + 1]);
  let sorted = true;
  for (let i = 1; i < n && sorted; i++) sorted = compare(ids[i - 1], ids[i]) <= 0;
  if (sorted) return ids.slice();
  if (n < 4096) return ids.slice().sort(compare);

  let from = ids.slice();
  let to = new Int32Array(n);
  const digit = (id: number, place: number): number => {
    const at = offsets[id] + place;
    const end = offsets[id + 1];
    return ((at < end ? bytes[at] : 0) << 8) | (at + 1 < end ? bytes[at + 1] : 0);
  };
  const counts = new Int32Array(65537);
  for (let place = 4; place >= 0; place -= 2) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[digit(from[i], place) + 1]++;
    for (let d = 0; d < 65536; d++) counts[d + 1] += counts[d];
    for (let i = 0; i < n; i++) to[counts[digit(from[i], place)]++] = from[i];
    [from, to] = [to, from];
  }
  const same = (a: number, b: number) =>
    digit(a, 0) === digit(b, 0) && digit(a, 2) === digit(b, 2) && digit(a, 4) === digit(b, 4);
  for (let start = 0; start < n; ) {
    let end = start + 1;
    while (end < n && same(from[start], from[end])) end++;
    if (end - start > 1) from.subarray(start, end).sort(compare);
    start = end;
  }
  return from;
}
