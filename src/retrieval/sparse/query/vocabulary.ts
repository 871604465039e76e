import { compareBytes } from '../bytes.ts';
import { fieldOfEntry } from '../fields.ts';
import type { OpenSegment } from '../open-segment.ts';

/** The mean of `value(n)` over the terms of a space that live documents hold, summed in term order. */
export function vocabularyMean(
  segments: readonly OpenSegment[],
  field: number,
  value: (documents: number) => number,
): number {
  const cursors = segments.map(({ segment }) => segment.terms.cursor());
  for (const cursor of cursors) cursor.next();
  let terms = 0;
  let sum = 0;
  for (;;) {
    let low = -1;
    for (let s = 0; s < cursors.length; s++) {
      if (!cursors[s].done && (low < 0 || compare(cursors[s], cursors[low]) < 0)) low = s;
    }
    if (low < 0) break;
    const text = cursors[low].text.slice(0, cursors[low].length);
    let documents = 0;
    for (let s = low; s < cursors.length; s++) {
      const cursor = cursors[s];
      if (cursor.done || compareBytes(cursor.text, 0, cursor.length, text, 0, text.length) !== 0) continue;
      documents += cursor.payload[0] - (segments[s].tombstones?.documentsOf(cursor.ordinal) ?? 0);
      cursor.next();
    }
    if (documents === 0 || fieldOfEntry(text) !== field) continue;
    terms++;
    sum += value(documents);
  }
  return terms === 0 ? 0 : sum / terms;
}

interface At {
  text: Uint8Array;
  length: number;
}
const compare = (a: At, b: At): number => compareBytes(a.text, 0, a.length, b.text, 0, b.length);
