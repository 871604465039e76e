/** Options of searches on the command line: similarity, filter and feedback as text. */
import type { Filter, FilterValue, ScoringSpec, StoredField } from '../retrieval/sparse/index.ts';
import { UsageError } from './errors.ts';

/** `lucene`, `lucene:k1=0.9,b=0.4`, or JSON. */
export function similaritySpec(text: string): ScoringSpec {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as ScoringSpec;
    } catch (error) {
      throw new UsageError(`--similarity ${text}: not JSON (${(error as Error).message})`, {
        help: 'for example lucene:k1=0.9,b=0.4',
      });
    }
  }
  const [name, rest] = text.split(/:(.*)/s);
  if (!rest) return name as ScoringSpec;
  const parameters: Record<string, unknown> = {};
  for (const pair of rest.split(',')) {
    const [key, value] = pair.split('=');
    if (!value)
      throw new UsageError(`--similarity ${text}: "${pair}" has no value`, { help: 'wanted name=value' });
    // bm25f:weights.title=2 is { weights: { title: 2 } }
    const [outer, inner] = key.trim().split('.');
    if (inner === undefined) parameters[outer] = scalar(value);
    else parameters[outer] = { ...(parameters[outer] as object | undefined), [inner]: scalar(value) };
  }
  return { name, ...parameters } as ScoringSpec;
}

function scalar(value: string): boolean | number | string {
  if (value === 'true' || value === 'false') return value === 'true';
  return Number.isNaN(Number(value)) ? value : Number(value);
}

/** `year>=1990`, `unit=passage`, `lang=en,ko`, `lang=null`; values take the type of the column. */
export function filterOf(conditions: readonly string[], columns: readonly StoredField[]): Filter {
  const filter: Record<
    string,
    FilterValue | FilterValue[] | { min?: string | number; max?: string | number }
  > = {};
  for (const condition of conditions) {
    const match = /^([^<>=]+?)\s*(>=|<=|=)\s*(.*)$/s.exec(condition);
    if (match === null)
      throw new UsageError(`--filter ${condition}: wanted COLUMN=VALUE, COLUMN>=VALUE or COLUMN<=VALUE`);
    const [, name, sign, text] = match;
    const type = columns.find(c => c.name === name)?.type ?? 'utf8';
    const typed = (value: string): FilterValue => {
      if (value === 'null') return null;
      if (type === 'utf8') return value;
      if (type === 'bool' && (value === 'true' || value === 'false')) return value === 'true';
      if (type !== 'bool' && value !== '' && !Number.isNaN(Number(value))) return Number(value);
      throw new UsageError(`--filter ${condition}: column "${name}" holds ${type}, "${value}" is none`);
    };
    if (sign === '=') {
      const values = text.split(',').map(typed);
      filter[name] = values.length === 1 ? values[0] : values;
    } else {
      const bound = typed(text) as string | number;
      const before = filter[name];
      const range = typeof before === 'object' && before !== null && !Array.isArray(before) ? before : {};
      filter[name] = { ...range, [sign === '>=' ? 'min' : 'max']: bound };
    }
  }
  return filter;
}
