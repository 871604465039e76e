/**
 * Where each code point of a text begins in UTF-16 code units, with the text's length behind the last; undefined where
 * the two counts are the same. A lone surrogate is one code point, as it is after a conversion to UTF-8.
 */
export function codePointStarts(text: string): Int32Array | undefined {
  if (!/[\ud800-\udfff]/.test(text)) return undefined;
  const starts = new Int32Array(text.length + 1);
  let points = 0;
  for (let i = 0; i < text.length; points++) {
    starts[points] = i;
    i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
  }
  starts[points] = text.length;
  return starts.subarray(0, points + 1);
}
