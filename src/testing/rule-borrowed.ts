/** The rule about pieces whose bytes are lent: what is decoded of them stands when they are gone. */
import type { RecordBatch } from 'apache-arrow';
import type { SourceInstance } from '../define/index.ts';
import { rowTexts, sourceRule } from './rule.ts';

// lent bytes are overwritten as soon as the next piece is asked for
export const lentBytes = sourceRule(
  'what is decoded outlives the bytes that were lent',
  (instance, decode, problems) => {
    const given: { batch: RecordBatch; was: string }[] = [];
    const text = (batch: RecordBatch): string => rowTexts(batch).join('\n');
    const scan: SourceInstance['scan'] = async function* (...where) {
      for await (const piece of instance.scan(...where)) {
        yield piece;
        if (piece.borrowed) piece.raw?.fill(0xff);
      }
      if (given.some(({ batch, was }) => text(batch) !== was))
        problems.push('lends the bytes of a piece, and what it decodes of them holds views of them');
    };
    return {
      ...instance,
      scan,
      decode: async (raw, meta) => {
        const decoded = await decode(raw, meta);
        given.push({ batch: decoded.batch, was: text(decoded.batch) });
        return decoded;
      },
    };
  },
);
