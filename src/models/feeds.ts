/** What a text model is given: token ids, masks, types, positions, and caches of a decoder, which are empty. */
import type { Feed, PortInfo } from './session.ts';
import type { PaddedIds } from './token-rows.ts';

const KNOWN = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];
/** Keys and values of earlier tokens: decoders that were exported for generation ask for them (Qwen3-Embedding). */
const PAST = /^past_key_values\./;

/** Inputs of a model that are none of a text model's; `undefined` where it is one. */
export function strangeInputs(inputs: readonly PortInfo[]): string | undefined {
  const fits =
    inputs.some(input => input.name === 'input_ids') &&
    inputs.every(({ name }) => KNOWN.includes(name) || PAST.test(name));
  return fits ? undefined : inputs.map(input => input.name).join(', ');
}

export const INPUT_HELP = `an encoder has input_ids, and of ${KNOWN.slice(1).join(', ')} what it needs`;

/** An empty cache: its first dimension the rows, those that are only known at run time 0, the others as the model says. */
function emptyPast({ type, shape }: PortInfo, rows: number): Feed {
  const dims = shape.map((size, i) => (typeof size === 'number' ? size : i === 0 ? rows : 0));
  const size = dims.reduce((product, n) => product * n, 1);
  return type === 'float16'
    ? { type, data: new Uint16Array(size), shape: dims }
    : { type: 'float32', data: new Float32Array(size), shape: dims };
}

/**
 * Feeds of a run.
 * @param typeIds one a padded token; without them all types are 0
 */
export function feedsFor(
  inputs: readonly PortInfo[],
  padded: PaddedIds,
  typeIds?: BigInt64Array,
): Record<string, Feed> {
  const shape = [padded.rows, padded.width];
  const size = padded.rows * padded.width;
  const feeds: Record<string, Feed> = {};
  for (const input of inputs) {
    const { name, type } = input;
    if (PAST.test(name)) {
      feeds[name] = emptyPast(input, padded.rows);
      continue;
    }
    let data: BigInt64Array;
    if (name === 'input_ids') data = padded.ids;
    else if (name === 'attention_mask') data = padded.mask;
    else if (name === 'token_type_ids') data = typeIds ?? new BigInt64Array(size);
    else data = BigInt64Array.from({ length: size }, (_, i) => BigInt(i % padded.width));
    feeds[name] =
      type === 'int32'
        ? { type: 'int32', data: Int32Array.from(data, Number), shape }
        : { type: 'int64', data, shape };
  }
  return feeds;
}
