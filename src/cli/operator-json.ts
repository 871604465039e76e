/** An operator's declaration for programs. */
import { z } from 'zod';
import { type AnyOperator, asEngine } from '../define/index.ts';

export function operatorJson(op: AnyOperator): Record<string, unknown> {
  const engine = asEngine(op);
  const { $schema: _, ...params } = z.toJSONSchema(op.params, { io: 'input', unrepresentable: 'any' });
  return {
    name: op.name,
    version: op.version,
    shape: engine.shape,
    ...(engine.shape === 'map' ? { rows: engine.rows } : {}),
    summary: op.summary,
    ...(op.description ? { description: op.description } : {}),
    deterministic: op.deterministic ?? true,
    equality: op.equality ?? 'exact',
    params,
    examples: op.examples,
  };
}
