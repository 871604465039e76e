/** `--max-cost rows=5000`, `tokens=1_000_000`, or both. */
import type { MaxCost } from '../run/index.ts';
import { UsageError } from './errors.ts';

function maxCost(value: unknown): MaxCost | undefined {
  if (value === undefined) return undefined;
  const most: { rows?: number; tokens?: number } = {};
  for (const part of [value].flat().flatMap(v => String(v).split(','))) {
    const [, unit, number] = /^(rows|tokens)=([\d_]+)$/.exec(part.trim()) ?? [];
    if (!unit) throw new UsageError(`--max-cost is ${part}, wanted rows=N or tokens=N, such as rows=5000`);
    most[unit as 'rows' | 'tokens'] = Number(number.replaceAll('_', ''));
  }
  return most;
}

export const maxCostOption = {
  type: 'string',
  requiresArg: true,
  coerce: maxCost,
  describe: 'stops before steps that call a model or an endpoint work on more: rows=N, tokens=N',
} as const;
