import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { AnyOperator } from '../../define/index.ts';
import { nearest } from '../../define/near.ts';
import { defineCommand, type Io, oneText } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { counted, left, tableLines } from '../table.ts';
import { widthOf } from '../terminal.ts';

const familyOf = (name: string): string => name.split('.')[0];

function list(operators: readonly AnyOperator[], io: Io): void {
  const families = new Map<string, AnyOperator[]>();
  for (const op of operators)
    families.set(familyOf(op.name), [...(families.get(familyOf(op.name)) ?? []), op]);
  const rows = [...families.values()].flat().map(op => [io.style.cyan(op.name), op.summary]);
  for (const line of tableLines([left(''), left('')], rows)) io.out(line);
  io.err(
    io.errStyle.dim(`${counted(operators.length, 'operator')}; millrace operators NAME tells all about one`),
  );
}

/** The operators a word means: one by name, or a family. */
function chosen(operators: readonly AnyOperator[], name: string): readonly AnyOperator[] {
  const one = operators.filter(op => op.name === name);
  if (one.length > 0) return one;
  const family = operators.filter(op => familyOf(op.name) === name);
  if (family.length > 0) return family;
  const names = operators.map(op => op.name);
  const near = nearest(name, [...names, ...new Set(names.map(familyOf))]);
  throw new UsageError(`no operator is named "${name}"`, {
    help: near ? `did you mean "${near}"?` : '`millrace operators` lists them',
  });
}

async function writeDocs(
  operators: readonly AnyOperator[],
  root: string,
  folder: string,
  io: Io,
): Promise<void> {
  const [{ operatorsMarkdown }, { pipelineJsonSchema }] = await Promise.all([
    import('../../plan/operator-docs.ts'),
    import('../../plan/json-schema.ts'),
  ]);
  const target = resolve(root, folder);
  await mkdir(target, { recursive: true });
  const files = {
    'operators.md': operatorsMarkdown(operators),
    'pipeline.schema.json': `${JSON.stringify(pipelineJsonSchema(operators), null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(target, name), text);
    io.err(`wrote ${relative(process.cwd(), join(target, name))}`);
  }
}

export const command = defineCommand({
  usage: 'operators [name]',
  summary: 'Lists the operators, or tells all about one: contract, parameters, examples.',
  build: y =>
    y
      .positional('name', { type: 'string', describe: 'an operator, or a family such as "read"' })
      .option('write-docs', {
        type: 'string',
        requiresArg: true,
        coerce: oneText('--write-docs'),
        describe: 'write operators.md and pipeline.schema.json into a folder',
      })
      .example('$0', 'all operators by family')
      .example('$0 split.passages', 'one of them')
      .example('$0 read --json', 'a family, for a program'),
  run: async (args, io) => {
    const { operators } = await import('../../../operators/index.ts');
    const all: readonly AnyOperator[] = operators;
    if (args.writeDocs !== undefined) {
      await writeDocs(all, args.root, args.writeDocs, io);
      return EXIT.ok;
    }
    const some = args.name === undefined ? all : chosen(all, args.name);
    if (args.json) {
      const { operatorJson } = await import('../operator-json.ts');
      const one = args.name !== undefined && some.length === 1 && some[0].name === args.name;
      io.json(one ? operatorJson(some[0]) : some.map(operatorJson));
    } else if (args.name === undefined) list(all, io);
    else {
      const [{ operatorMarkdown }, { markdownLines }] = await Promise.all([
        import('../../plan/operator-docs.ts'),
        import('../markdown.ts'),
      ]);
      const width = Math.min(110, widthOf(process.stdout));
      io.out(some.map(op => markdownLines(operatorMarkdown(op), width, io.style).join('\n')).join('\n\n'));
    }
    return EXIT.ok;
  },
});
