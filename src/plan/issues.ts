/** What is wrong with parameters, in the project's own sentences over zod's codes and paths. */
import type { z } from 'zod';
import { nearest } from '../define/index.ts';
import { found, oneOf, pathText, some } from './describe.ts';
import { didYouMean, type Finding, isRecord } from './findings.ts';
import { keysAt, schemasAt } from './schema.ts';
import type { DefinitionPath } from './types.ts';

type Issue = z.core.$ZodIssue;

/** Keys of a step that beginners look for among the parameters. */
const BESIDE_WITH = new Set([
  'id',
  'from',
  'after',
  'parallel',
  'where',
  'batch',
  'order',
  'onError',
  'memory',
]);

const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const UNITS: Record<string, string> = {
  string: 'characters',
  array: 'items',
  set: 'items',
  object: 'members',
};

interface Context {
  readonly op: string;
  readonly schema: z.ZodObject;
  readonly raw: unknown;
  /** Path of the parameters in the definition: `['steps', 2, 'with']`. */
  readonly base: DefinitionPath;
}

/** The findings of a failed parse, one a parameter. */
export function issueFindings(issues: readonly Issue[], context: Context): Finding[] {
  const out: Finding[] = [];
  const seen = new Set<string>();
  const add = (finding: Finding) => {
    const at = JSON.stringify(finding.path);
    if (!seen.has(at)) out.push(finding);
    seen.add(at);
  };
  const misspelled = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    for (const key of issue.keys) {
      const { finding, meant } = unknownKey(key, keyPath(issue.path), issues, context);
      add(finding);
      if (meant !== undefined) misspelled.add(JSON.stringify([...issue.path, meant]));
    }
  }
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' || misspelled.has(JSON.stringify(issue.path))) continue;
    for (const finding of oneIssue(issue, context)) add(finding);
  }
  return out;
}

const keyPath = (path: readonly PropertyKey[]): DefinitionPath =>
  path.map(p => (typeof p === 'number' ? p : String(p)));

/** What stands at a path of the raw parameters. */
function valueAt(raw: unknown, path: DefinitionPath): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function unknownKey(
  key: string,
  path: DefinitionPath,
  issues: readonly Issue[],
  { op, schema, raw, base }: Context,
): { finding: Finding; meant?: string } {
  const known = keysAt(schema, path);
  const given = valueAt(raw, path);
  const free = known.filter(k => !(isRecord(given) && Object.hasOwn(given, k)));
  // A parameter that is missing is what a name nobody knows was most likely meant to be.
  const missing = free.filter(k =>
    issues.some(
      i => i.code !== 'unrecognized_keys' && JSON.stringify(i.path) === JSON.stringify([...path, k]),
    ),
  );
  const meant = nearest(key, missing) ?? nearest(key, free) ?? nearest(key, known);
  let help = didYouMean(meant);
  if (!help && path.length === 0 && BESIDE_WITH.has(key)) help = `"${key}" stands beside "with", not in it`;
  if (!help) {
    help =
      known.length > 0
        ? `${path.length === 0 ? op : pathText(['with', ...path])} takes ${some(known)}`
        : `${op} takes no parameters`;
  }
  return {
    meant,
    finding: {
      path: [...base, ...path, key],
      atKey: true,
      code: 'unknown-parameter',
      message: `${pathText(['with', ...path, key])}: ${op} has no such parameter`,
      help,
    },
  };
}

function oneIssue(issue: Issue, context: Context): Finding[] {
  const path = keyPath(issue.path);
  const value = valueAt(context.raw, path);
  const name = pathText(['with', ...path]);
  const at = { path: [...context.base, ...path] };
  if (value === undefined && path.length > 0 && issue.code !== 'custom') {
    const description = describeSchema(context.schema, path);
    return [
      {
        ...at,
        code: 'missing-parameter',
        message: `${name}: ${context.op} needs this parameter${description ? `: ${description}` : ''}`,
        help: wantedOf(issue) && `wanted ${wantedOf(issue)}`,
      },
    ];
  }
  if (issue.code === 'invalid_union') return unionIssue(issue, context, value, path);
  const wanted = isWhole(issue, context.schema, path) ? TYPES.int : wantedOf(issue);
  const message = wanted ? `wanted ${wanted}, got ${found(value)}` : issue.message;
  const help =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? didYouMean(
          nearest(
            value,
            issue.values.filter(v => typeof v === 'string'),
          ),
        )
      : undefined;
  return [{ ...at, code: codeOf(issue), message: `${name}: ${message}`, help }];
}

/** Text where a whole number belongs: the parser asks for a number first, and for a whole one later. */
const isWhole = (issue: Issue, schema: z.ZodObject, path: DefinitionPath): boolean =>
  issue.code === 'invalid_type' &&
  issue.expected === 'number' &&
  schemasAt(schema, path).some(s => 'isInt' in s && s.isInt === true);

const codeOf = (issue: Issue): string =>
  issue.code === 'invalid_type'
    ? 'parameter-type'
    : issue.code === 'too_big' || issue.code === 'too_small' || issue.code === 'not_multiple_of'
      ? 'parameter-range'
      : 'parameter-value';

/** What an issue says was wanted, as the end of "wanted …"; undefined where only its own message says it. */
function wantedOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values.map(v => (typeof v === 'bigint' ? String(v) : v)));
    case 'too_small':
    case 'too_big': {
      const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
      const words =
        issue.code === 'too_small'
          ? issue.inclusive
            ? 'at least'
            : 'more than'
          : issue.inclusive
            ? 'at most'
            : 'less than';
      const unit = UNITS[issue.origin];
      return `${issue.exact ? 'exactly' : words} ${limit}${unit ? ` ${unit}` : ''}`;
    }
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'regex' && issue.pattern
        ? `text that matches ${issue.pattern}`
        : `text in the format "${issue.format}"`;
    default:
      return undefined;
  }
}

/** A value that fits no branch of a union: the branch it comes nearest to, or all that would have been right. */
function unionIssue(
  issue: z.core.$ZodIssueInvalidUnion,
  context: Context,
  value: unknown,
  path: DefinitionPath,
): Finding[] {
  const name = pathText(['with', ...path]);
  const at = { path: [...context.base, ...path] };
  if (issue.errors.length === 0) {
    const options = 'options' in issue && issue.options ? issue.options.map(o => String(o)) : [];
    const wanted = options.length > 0 ? `wanted ${oneOf(options)}, got ${found(value)}` : issue.message;
    const help = typeof value === 'string' ? didYouMean(nearest(value, options)) : undefined;
    return [{ ...at, code: 'parameter-value', message: `${name}: ${wanted}`, help }];
  }
  // Branches that took the value's type and then found something inside it say most.
  const inside = issue.errors.filter(branch =>
    branch.every(i => i.path.length > 0 || i.code !== 'invalid_type'),
  );
  if (inside.length > 0) {
    const best = inside.reduce((a, b) => (b.length < a.length ? b : a));
    const onlyValues = inside.every(
      b => b.length === 1 && b[0].code === 'invalid_value' && b[0].path.length === 0,
    );
    if (!onlyValues) {
      const nested = best.map(i => ({ ...i, path: [...issue.path, ...i.path] }) as Issue);
      return issueFindings(nested, context);
    }
  }
  const wanted = [
    ...new Set(issue.errors.flatMap(branch => branch.slice(0, 1).map(i => wantedOf(i) ?? i.message))),
  ];
  const values = issue.errors.flatMap(b =>
    b.flatMap(i => (i.code === 'invalid_value' ? i.values.filter(v => typeof v === 'string') : [])),
  );
  return [
    {
      ...at,
      code: inside.length > 0 ? 'parameter-value' : 'parameter-type',
      message: `${name}: wanted ${wanted.join(', or ')}, got ${found(value)}`,
      help: typeof value === 'string' ? didYouMean(nearest(value, values)) : undefined,
    },
  ];
}

/** The description of a parameter, wherever in its wrappers it stands. */
function describeSchema(schema: z.ZodObject, path: DefinitionPath): string | undefined {
  const parent = schemasAt(schema, path.slice(0, -1))[0];
  const shape = parent && 'shape' in parent ? (parent.shape as Record<string, z.ZodType>) : {};
  return shape[String(path.at(-1))]?.description ?? undefined;
}
