/** The rule about sources whose records need no decoding where they are as they were. */
import { fingerprints } from '../arrow/index.ts';
import type { Json } from '../define/index.ts';
import { rowTexts, sourceRule } from './rule.ts';

// a piece that lacks some records gives the rows of the others, and both ways to their bounds and hashes agree
export const recordsApart = sourceRule(
  'a record gives the same row whatever stands beside it',
  (instance, decode, problems) => {
    const { records } = instance;
    if (!records) return instance;
    const decoded = async (raw: Uint8Array, meta: Json): Promise<string[]> =>
      rowTexts((await decode(raw.slice(), meta)).batch);
    return {
      ...instance,
      scan: instance.scan.bind(instance),
      decode: async (raw, meta) => {
        const bounds = records.bounds(raw);
        const both = records.hashed?.(raw);
        if (both && (!same(both.bounds, bounds) || !same(both.hashes, fingerprints(raw, bounds))))
          problems.push('has other bounds or hashes by `hashed` than by `bounds` and `fingerprints`');
        const whole = await decoded(raw, meta);
        if (whole.length * 2 !== bounds.length)
          problems.push(`names ${bounds.length / 2} records of a piece of ${whole.length} rows`);
        else {
          for (const [left] of whole.entries()) {
            const rows = await decoded(
              records.only(raw, bounds, i => i !== left),
              meta,
            );
            if (rows.join('\n') !== whole.filter((_, i) => i !== left).join('\n'))
              problems.push(`gives other rows for a piece without its record ${left}`);
          }
        }
        return decode(raw, meta);
      },
    };
  },
);

const same = (a: Int32Array | Uint8Array, b: Int32Array | Uint8Array): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);
