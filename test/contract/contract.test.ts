/** Every registered operator keeps the contract: no code of its author's, only its declaration and its examples. */
import { describe, expect, test } from 'vitest';
import { operators } from '../../operators/index.ts';
import type { AnyOperator } from '../../src/define/index.ts';
import { contractRules } from '../../src/testing/index.ts';

const all: readonly AnyOperator[] = operators;

describe.each(all.map(op => [op.name, op] as const))('%s', (_, op) => {
  test.each(contractRules.map(rule => [rule.name, rule] as const))('%s', async (_, rule) => {
    expect(await rule.check({ op, operators: all })).toEqual([]);
  });
});
