/** The rule about sources whose records need no decoding where they are as they were. */
import { rowsOf } from '../arrow/index.ts';
import { type AnyOperator, asEngine, type Json, type SourceInstance } from '../define/index.ts';
import { onExamples, type Rule } from './rule.ts';

/** The operator, with what is wrong with pieces that lack some records put into `problems`. */
function watched(op: AnyOperator, problems: string[]): AnyOperator {
  const engineOp = asEngine(op);
  if (engineOp.shape !== 'source') return op;
  const open: typeof engineOp.open = async (params, ctx) => {
    const instance: SourceInstance = await engineOp.open(params, ctx);
    const { records } = instance;
    if (!records || !instance.decode) return instance;
    const decoded = async (raw: Uint8Array, meta: Json): Promise<string[]> => {
      const { batch } = await (instance.decode as NonNullable<SourceInstance['decode']>)(raw.slice(), meta);
      return rowsOf(batch).map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
    };
    const decode: SourceInstance['decode'] = async (raw, meta) => {
      const bounds = records.bounds(raw);
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
      return (instance.decode as NonNullable<SourceInstance['decode']>)(raw, meta);
    };
    return { ...instance, decode, scan: instance.scan.bind(instance) };
  };
  return { ...op, open } as unknown as AnyOperator;
}

export const recordsApart: Rule = {
  name: 'a record gives the same row whatever stands beside it',
  check: async tested => {
    const problems: string[] = [];
    const op = watched(tested.op, problems);
    const failed = await onExamples({ ...tested, op }, async (_, run) => {
      if (asEngine(op).shape === 'source') await run([]);
      return [];
    });
    return [...problems, ...failed];
  },
};
