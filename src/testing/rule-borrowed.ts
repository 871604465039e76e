/** The rule about pieces whose bytes are lent: what is decoded of them stands when they are gone. */
import type { RecordBatch } from 'apache-arrow';
import { rowsOf } from '../arrow/index.ts';
import { type AnyOperator, asEngine, type SourceInstance } from '../define/index.ts';
import { onExamples, type Rule } from './rule.ts';

const text = (batch: RecordBatch): string =>
  JSON.stringify(rowsOf(batch), (_, v) => (typeof v === 'bigint' ? `${v}` : v));

/** The operator, whose lent bytes are overwritten as soon as the next piece is asked for. */
function spoiled(op: AnyOperator, problems: string[]): AnyOperator {
  const engineOp = asEngine(op);
  if (engineOp.shape !== 'source') return op;
  const open: typeof engineOp.open = async (params, ctx) => {
    const instance: SourceInstance = await engineOp.open(params, ctx);
    if (!instance.decode) return instance;
    const given: { batch: RecordBatch; was: string }[] = [];
    const decode: SourceInstance['decode'] = async (raw, meta) => {
      const decoded = await (instance.decode as NonNullable<SourceInstance['decode']>)(raw, meta);
      given.push({ batch: decoded.batch, was: text(decoded.batch) });
      return decoded;
    };
    const scan: SourceInstance['scan'] = async function* (...where) {
      for await (const piece of instance.scan(...where)) {
        yield piece;
        if (piece.borrowed) piece.raw?.fill(0xff);
      }
      if (given.some(({ batch, was }) => text(batch) !== was))
        problems.push('lends the bytes of a piece, and what it decodes of them holds views of them');
    };
    return { ...instance, decode, scan };
  };
  return { ...op, open } as unknown as AnyOperator;
}

export const lentBytes: Rule = {
  name: 'what is decoded outlives the bytes that were lent',
  check: async tested => {
    const problems: string[] = [];
    const op = spoiled(tested.op, problems);
    const failed = await onExamples({ ...tested, op }, async (_, run) => {
      if (asEngine(op).shape === 'source') await run([]);
      return [];
    });
    return [...problems, ...failed];
  },
};
