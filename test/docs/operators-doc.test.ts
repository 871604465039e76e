import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { operators } from '../../operators/index.ts';
import { splitPassages } from '../../operators/split/passages.ts';
import type { AnyOperator } from '../../src/define/index.ts';
import { pipelineJsonSchema } from '../../src/plan/json-schema.ts';
import { operatorMarkdown, operatorsMarkdown } from '../../src/plan/operator-docs.ts';

const all: readonly AnyOperator[] = operators;

test('docs/pipeline.schema.json is current: npm run docs writes it', async () => {
  const text = await readFile(new URL('../../docs/pipeline.schema.json', import.meta.url), 'utf8');
  const now = JSON.parse(JSON.stringify(pipelineJsonSchema(operators)));
  expect(JSON.parse(text), 'docs/pipeline.schema.json is out of date; run npm run docs').toEqual(now);
});

describe('docs/operators.md', () => {
  test('is current: npm run docs writes it', async () => {
    const text = await readFile(new URL('../../docs/operators.md', import.meta.url), 'utf8');
    expect(text === operatorsMarkdown(all), 'docs/operators.md is out of date; run npm run docs').toBe(true);
  });

  test('has every operator, and every parameter with its description', () => {
    const text = operatorsMarkdown(all);
    for (const op of all) {
      expect(text).toContain(`\n## ${op.name}\n`);
      for (const name of Object.keys(op.params.shape))
        expect(operatorMarkdown(op)).toContain(`| \`${name}\` |`);
    }
    expect(text.endsWith('\n')).toBe(true);
  });

  test('tells parameters, columns, key and examples of an operator', () => {
    const text = operatorMarkdown(splitPassages);
    expect(text).toContain('| `words` | whole number above 0 | `100` | words in a passage |');
    expect(text).toContain('- reads: `doc_id` (Utf8), `text` (Utf8)');
    expect(text).toContain('- key: `unit_id`');
    expect(text).toContain('```yaml\n- op: split.passages\n  with:\n    words: 2\n```');
    expect(text).toContain('{"doc_id":"a","text":"one two three"}');
  });
});
