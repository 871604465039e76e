/** Writes the reference of operators as Markdown, from their declarations alone. */
import { DataType } from 'apache-arrow';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Columns, typeName } from '../arrow/index.ts';
import {
  type AnyOperator,
  asEngine,
  type EngineOperator,
  type Example,
  type Json,
  type Params,
  type PlanContext,
} from '../define/index.ts';

type Schema = { readonly [name: string]: Json };

/** Descriptions are of no project. */
const nowhere: PlanContext = { root: '.', path: relative => relative };

const SHAPES: Readonly<Record<EngineOperator['shape'], string>> = {
  source: 'a source: it has no input',
  map: 'a map: batch by batch, without state',
  stream: 'a stream: it keeps state from batch to batch',
  join: 'a join: it brings rows of several inputs together by their key',
  sink: 'a sink: nothing flows on from it',
  rx: 'an rx operator: a stream of packets as an Observable',
};
const ROWS = {
  same: 'each row gives one row',
  filter: 'rows stay or go',
  explode: 'each row gives any number of rows',
  group: 'neighbouring rows give one row',
};

/** The reference of all operators: a table of contents by family, then each. */
export function operatorsMarkdown(ops: readonly AnyOperator[]): string {
  const rows = ops.map(op => `| [\`${op.name}\`](#${anchor(op.name)}) | ${cell(op.summary)} |`);
  return `${[
    '# Operators',
    'Generated from the operators themselves by `npm run docs`. The examples are run by the tests.',
    ['| operator | |', '|---|---|', ...rows].join('\n'),
    ...ops.map(operatorMarkdown),
  ].join('\n\n')}\n`;
}

/** The reference of one operator: what it does, parameters, columns, examples. No line end at the end. */
export function operatorMarkdown(op: AnyOperator): string {
  const engineOp = asEngine(op);
  const kind = engineOp.shape === 'map' ? `${SHAPES.map}; ${ROWS[engineOp.rows]}` : SHAPES[engineOp.shape];
  return [
    `## ${op.name}`,
    op.summary,
    ...(op.description ? [op.description] : []),
    `It is ${kind}.`,
    ...parameters(op),
    ...columns(engineOp),
    ...op.examples.flatMap(example => exampleMarkdown(op, example)),
  ].join('\n\n');
}

// as GitHub makes it of a heading
const anchor = (name: string): string => name.replace(/[^\p{L}\p{N} _-]/gu, '').replace(/ /g, '-');
const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ');

function parameters(op: AnyOperator): string[] {
  const schema = z.toJSONSchema(op.params, { io: 'input', unrepresentable: 'any' }) as Schema;
  const all = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  if (all.length === 0) return ['No parameters.'];
  const required = new Set((schema.required ?? []) as string[]);
  const rows = all.map(([name, s]) => {
    const standard = s.default === undefined ? (required.has(name) ? 'required' : '') : code(s.default);
    return `| \`${name}\` | ${cell(typeText(s))} | ${cell(standard)} | ${cell(String(s.description ?? ''))} |`;
  });
  const nested = all.flatMap(([name, s]) => members(name, s));
  return [['| parameter | type | default | |', '|---|---|---|---|', ...rows, ...nested].join('\n')];
}

/** Rows for the members of objects in a parameter: `all[].column`. */
function members(path: string, schema: Schema): string[] {
  const items = schema.items as Schema | undefined;
  if (schema.type === 'array' && items) return members(`${path}[]`, items);
  const required = new Set((schema.required ?? []) as string[]);
  return Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([name, s]) => {
    const standard = s.default === undefined ? (required.has(name) ? 'required' : '') : code(s.default);
    const row = `| \`${path}.${name}\` | ${cell(typeText(s))} | ${cell(standard)} | ${cell(String(s.description ?? ''))} |`;
    return [row, ...members(`${path}.${name}`, s)];
  });
}

const code = (value: Json): string => `\`${JSON.stringify(value)}\``;

/** A JSON Schema in words: `whole number above 0`, `list of text`, `"a" or "b"`. */
function typeText(schema: Schema): string {
  const alternatives = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (alternatives) return [...new Set(alternatives.map(typeText))].join(' or ');
  if (schema.enum) return (schema.enum as Json[]).map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const as Json);
  if (Array.isArray(schema.type)) return schema.type.map(type => typeText({ ...schema, type })).join(' or ');
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `whole number${range(schema)}`;
    case 'number':
      return `number${range(schema)}`;
    case 'array': {
      const items = schema.items as Schema | undefined;
      return items && Object.keys(items).length > 0 ? `list of ${typeText(items)}` : 'list';
    }
    case 'object': {
      const values = schema.additionalProperties as Schema | boolean | undefined;
      return typeof values === 'object' && !schema.properties
        ? `object: name to ${typeText(values)}`
        : 'object';
    }
    default:
      return 'any';
  }
}

function range(schema: Schema): string {
  const number = (name: string): number | undefined => {
    const value = schema[name];
    return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
  };
  const parts: string[] = [];
  const [least, above, most, below] = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'].map(
    number,
  );
  if (least !== undefined) parts.push(`from ${least}`);
  if (above !== undefined) parts.push(`above ${above}`);
  if (most !== undefined) parts.push(`up to ${most}`);
  if (below !== undefined) parts.push(`below ${below}`);
  return parts.length > 0 ? ` ${parts.join(', ')}` : '';
}

/** Parameters to show the columns by: the defaults, or those of the first example. */
function shownParams(op: EngineOperator): Params | undefined {
  for (const given of [{}, ...op.examples.map(e => e.with)]) {
    const parsed = op.params.safeParse(given);
    const params = parsed.data as Params | undefined;
    if (params && (op.check?.(params) ?? []).length === 0) return params;
  }
  return undefined;
}

function columns(op: EngineOperator): string[] {
  const params = shownParams(op);
  if (!params) return [];
  const lines: string[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch {
      // columns that depend on what is read are left to the description
    }
  };
  if (op.shape === 'source') attempt(() => lines.push(`- key: ${names(op.key(params))}`));
  else {
    const reads = op.reads(params, 0);
    lines.push(`- reads: ${list(reads) || 'nothing by itself'}`);
    if (op.shape === 'sink') return [lines.join('\n')];
    const input = Object.fromEntries(Object.entries(reads).filter(([, c]) => !DataType.isNull(c.type)));
    attempt(() => {
      const writes =
        op.shape === 'join' ? op.writes(params, [input, input], nowhere) : op.writes(params, input, nowhere);
      lines.push(`- writes: ${list(writes) || 'nothing new'}`);
    });
    const key = op.shape === 'join' ? op.key(params, ['KEY']) : op.key?.(params, ['KEY']);
    const text = key && names(key.filter(k => k !== 'KEY'));
    if (!key || (key.length === 1 && key[0] === 'KEY')) lines.push("- key: as the input's");
    else lines.push(`- key: ${key[0] === 'KEY' ? `the input's, and ${text}` : text}`);
    if (op.shape === 'map' && op.batchBy)
      lines.push(`- keeps together: rows of one ${names(op.batchBy(params))}`);
  }
  return [lines.join('\n')];
}

const names = (all: readonly string[]): string => all.map(n => `\`${n}\``).join(', ');
const list = (all: Columns): string =>
  Object.entries(all)
    .filter(([, c]) => c?.type !== undefined)
    .map(
      ([name, c]) =>
        `\`${name}\` (${DataType.isNull(c.type) ? 'any type' : typeName(c.type)}${c.nullable && !DataType.isNull(c.type) ? ', may be null' : ''})`,
    )
    .join(', ');

function exampleMarkdown(op: AnyOperator, example: Example): string[] {
  const { before } = example as Example & { before?: readonly { op: string; with: object; in?: Rows }[] };
  const parts = [`**${example.title}**`];
  for (const step of before ?? [])
    parts.push(`after\n\n${yaml(step.op, step.with)}\n\nover\n\n${jsonl(step.in ?? [])}`);
  parts.push(before?.length ? `then\n\n${yaml(op.name, example.with)}` : yaml(op.name, example.with));
  for (const [path, text] of Object.entries(example.files ?? {}))
    parts.push(`with \`${path}\`\n\n${fence('', text.replace(/\n$/, ''))}`);
  const inputs = example.inputs ?? (example.in ? [example.in] : []);
  for (const rows of inputs) parts.push(`over\n\n${jsonl(rows)}`);
  if (example.out) parts.push(example.out.length > 0 ? `gives\n\n${jsonl(example.out)}` : 'gives no rows.');
  for (const [path, text] of Object.entries(example.written ?? {}))
    parts.push(`writes \`${path}\`\n\n${fence('', text.replace(/\n$/, ''))}`);
  return parts;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** A code block, its fence longer than any in the text. */
function fence(language: string, text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(run => run.length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}${language}\n${text}\n${marks}`;
}

const yaml = (name: string, params: object): string =>
  fence(
    'yaml',
    stringify([{ op: name, ...(Object.keys(params).length > 0 && { with: params }) }], {
      lineWidth: 100,
    }).trimEnd(),
  );

const jsonl = (rows: Rows): string => {
  const lines = rows.map(row => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? Number(v) : v)));
  return fence('jsonl', lines.join('\n'));
};
