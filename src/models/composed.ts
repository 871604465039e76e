/** Text in NFC, with the way back to where each of its code units came from. */
export interface Composed {
  readonly text: string;
  /** For each unit of `text`, where the characters that it was made of begin and end in the text given. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * Composes a text. The `tokenizers` package composes too, but then counts only the first of the characters that were
 * joined, so spans over decomposed Hangul would end inside a syllable.
 * @returns undefined where the text is in NFC already
 */
export function composed(text: string): Composed | undefined {
  const whole = text.normalize('NFC');
  if (whole === text) return undefined;
  const starts = new Int32Array(whole.length);
  const ends = new Int32Array(whole.length);
  let at = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    const units = segment.normalize('NFC').length;
    for (let i = 0; i < units; i++) {
      // a cluster that composing left as it was keeps its inner borders
      const same = units === segment.length;
      starts[at + i] = same ? index + i : index;
      ends[at + i] = same ? index + i + 1 : index + segment.length;
    }
    at += units;
  }
  return { text: whole, starts, ends };
}

/** Brings offsets in the composed text back to the text given, in place. */
export function restore(source: Composed, starts: Int32Array, ends: Int32Array): void {
  for (let t = 0; t < starts.length; t++) {
    const [start, end] = [starts[t], ends[t]];
    if (start >= end) continue;
    starts[t] = source.starts[start];
    ends[t] = source.ends[end - 1];
  }
}
