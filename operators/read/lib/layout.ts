/** From the fields of records to the columns of a stream: names, types, key. */
import type { Schema } from 'apache-arrow';
import { type Column, type Columns, columnOf, nullable, schemaOf, utf8 } from '../../../src/arrow/index.ts';
import { nearest, UserError } from '../../../src/define/index.ts';
import type { Keep } from './cells.ts';
import type { Kind } from './infer.ts';

/** Parameters of sources of records that say how fields become columns. */
export interface LayoutParams {
  readonly id?: string;
  readonly text?: string;
  readonly title?: string;
  readonly key: string | readonly string[];
  readonly columns?: Readonly<Record<string, string>>;
}

/** One field and the column it becomes. */
export interface Field {
  readonly field: string;
  readonly column: string;
  readonly type: Column;
  readonly keep?: Keep;
}

/** How records become rows. The first field is the id's where the key is one column. */
export interface Layout {
  readonly fields: readonly Field[];
  readonly columns: Columns;
  readonly schema: Schema;
  /** The key is made from file and record number: the first column has no field. */
  readonly made: boolean;
  /** Fields that are left out on purpose. */
  readonly ignored: ReadonlySet<string>;
  /** Whether fields that are not in the layout are worth a warning. */
  readonly strict: boolean;
  /** The file that types are guessed from, where they are. */
  readonly guessedFrom?: string;
}

/** Field names that often hold the text of a document. */
const TEXT_LIKE = [
  'content',
  'contents',
  'body',
  'passage',
  'context',
  'document',
  'abstract',
  'article',
  'paragraph',
  'page_content',
  'txt',
  'raw',
];

/** What is known of a field: the kind its values have, or a column that is typed already. */
export type Observed = Kind | Column;

export const keyNames = (key: string | readonly string[]): readonly string[] =>
  typeof key === 'string' ? [key] : key;

/** The column a kind's name says. @throws UserError for a name that is none. */
export function columnOfKind(field: string, kind: Observed): { type: Column; keep?: Keep } {
  if (typeof kind !== 'string') return { type: kind };
  if (kind === 'json' || kind === 'json?')
    return { type: kind === 'json?' ? nullable(utf8()) : utf8(), keep: 'json' };
  const type = columnOf(kind);
  if (!type)
    throw new UserError(`with.columns.${field}: "${kind}" is no column type`, {
      help: 'wanted utf8, int32, int64, float32, float64, bool, list<utf8>, fixed<384,float32> ... or json; "?" after it allows nulls',
    });
  return { type };
}

const listed = (names: Iterable<string>): string => [...names].join(', ') || 'none';

/**
 * Lays out records with these fields. `observed` are the fields seen at the head, by kind.
 * @throws UserError where a named field is not there, or a type's name is none.
 */
export function layoutOf(
  params: LayoutParams,
  observed: ReadonlyMap<string, Observed>,
  where: string,
): Layout {
  const declared = params.columns;
  const kinds = new Map<string, Observed>(
    declared
      ? Object.entries(declared)
      : [...observed].map(([f, k]): [string, Observed] => [f, typeof k === 'string' ? `${k}?` : nullable(k)]),
  );
  const key = keyNames(params.key);
  const known = (name: string): boolean => kinds.has(name) || observed.has(name);
  const empty = observed.size === 0;
  const named = (param: string, field: string): string => {
    if (!known(field) && !empty) {
      const near = nearest(field, observed.keys());
      throw new UserError(
        `with.${param}: ${where} has no field "${field}"; the fields are ${listed(observed.keys())}`,
        near ? { help: `did you mean "${near}"?` } : {},
      );
    }
    if (!kinds.has(field)) kinds.set(field, param === 'id' ? 'utf8' : 'utf8?');
    return field;
  };
  // which field becomes which column, where the names differ
  const renamed = new Map<string, string>();
  if (params.title !== undefined) renamed.set(named('title', params.title), 'title');
  if (params.text !== undefined) renamed.set(named('text', params.text), 'text');
  else if (key[0] === 'doc_id' && !declared && !empty && !observed.has('text')) {
    const likely = TEXT_LIKE.find(name => observed.has(name));
    if (likely !== undefined)
      throw new UserError(`${where} has no field "text"; the fields are ${listed(observed.keys())}`, {
        help: `name the one that holds the text of a document: with.text: ${likely}`,
      });
  }
  let id: string | undefined;
  if (key.length === 1) {
    id =
      params.id !== undefined ? named('id', params.id) : [key[0], '_id', 'id'].find(name => kinds.has(name));
    if (id !== undefined && !renamed.has(id)) renamed.set(id, key[0]);
  } else {
    for (const name of key)
      if (!known(name) && !empty)
        throw new UserError(
          `with.key: ${where} has no field "${name}"; the fields are ${listed(observed.keys())}`,
        );
  }
  const idTaken = id !== undefined && renamed.get(id) !== key[0];
  const ignored = new Set<string>();
  const targets = new Set(renamed.values());
  const fields: Field[] = [];
  for (const [field, kind] of kinds) {
    const column = renamed.get(field) ?? field;
    if (!renamed.has(field) && targets.has(field)) {
      ignored.add(field);
      continue;
    }
    fields.push({ field, column, ...columnOfKind(field, kind) });
  }
  if (idTaken) fields.push({ field: id as string, column: key[0], type: utf8() });
  const isKey = new Set(key);
  const rank = (f: Field): number =>
    isKey.has(f.column) ? 0 : f.column === 'title' ? 1 : f.column === 'text' ? 2 : 3;
  const ordered = fields
    .map(f =>
      !isKey.has(f.column)
        ? f
        : key.length === 1
          ? { ...f, type: utf8(), keep: 'key' as const }
          : { ...f, type: { type: f.type.type, nullable: false } },
    )
    .sort((a, b) => rank(a) - rank(b));
  const made = key.length === 1 && id === undefined;
  const columns: Record<string, Column> = made ? { [key[0]]: utf8() } : {};
  for (const f of ordered) columns[f.column] = f.type;
  // nothing was there to look at: what the pipeline most likely goes on with
  if (empty && !declared && key[0] === 'doc_id') {
    columns.title ??= nullable(utf8());
    columns.text ??= nullable(utf8());
  }
  return {
    fields: ordered,
    columns,
    schema: schemaOf(columns),
    made,
    ignored,
    strict: declared === undefined,
  };
}

/** The layout of records whose fields are the columns already. */
export function fixedLayout(columns: Columns, key: readonly string[]): Layout {
  return {
    fields: Object.entries(columns).map(([name, type]) => ({
      field: name,
      column: name,
      type,
      ...(key.length === 1 && key[0] === name ? { keep: 'key' as const } : {}),
    })),
    columns,
    schema: schemaOf(columns),
    made: false,
    ignored: new Set(),
    strict: false,
  };
}
