/** The registry and the folders agree: one file an operator, named after it, and none left out. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { operators } from '../../operators/index.ts';
import type { AnyOperator } from '../../src/define/index.ts';

const folder = new URL('../../operators/', import.meta.url).pathname;
const all: readonly AnyOperator[] = operators;

const isOperator = (value: unknown): value is AnyOperator =>
  typeof value === 'object' && value !== null && 'shape' in value && 'params' in value && 'version' in value;

test('every operator has a file of its own, named after it, and is registered', async () => {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter(n => n.endsWith('.ts') && n !== 'index.ts');
  const found: string[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    const own = Object.values(module).filter(isOperator);
    if (own.length > 1) problems.push(`${file} has ${own.length} operators`);
    for (const { name } of own) {
      found.push(name);
      const [family, rest] = name.split('.');
      const base = basename(file, '.ts');
      if (base !== (rest ?? family) && base !== name.replace('.', '-'))
        problems.push(`${name} is in ${file}`);
      if (!all.some(op => op.name === name)) problems.push(`${name} in ${file} is not in the registry`);
    }
  }
  for (const { name } of all)
    if (!found.includes(name)) problems.push(`${name} is registered and has no file`);
  expect(problems).toEqual([]);
});

test('names are there once', () => {
  const names = all.map(op => op.name);
  expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([]);
});
