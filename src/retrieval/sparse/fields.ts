import { IndexError } from './errors.ts';

/** A column of text, which goes through the analyzer. */
export interface TextFieldSpec {
  name: string;
  kind: 'text';
}

/** A column of terms with weights, taken as they are; stored in 8 or 16 bits (`fields-impacts.ts`). */
export interface WeightsFieldSpec {
  name: string;
  kind: 'weights';
  bits: 8 | 16;
}

export type FieldSpec = TextFieldSpec | WeightsFieldSpec;

/** What an index searches: its fields in order, and whether it keeps the places of terms. */
export interface Layout {
  fields: FieldSpec[];
  positions: boolean;
}

export const DEFAULT_LAYOUT: Layout = { fields: [{ name: 'text', kind: 'text' }], positions: false };

/** A byte that no UTF-8 string holds: it begins the dictionary's entries of a field. */
const MARK = 0xff;
/** Fields an index can have. */
const MOST_FIELDS = 64;

/**
 * A set of terms with postings and lengths of their own. The terms of all text fields together stand in
 * the dictionary as they are (`field` -1); those of one field of several, and weighted terms, stand
 * behind the bytes 0xFF and the field's number, and so come after all others.
 */
export interface TermSpace {
  /** The field's place in the layout, -1 for all text. */
  field: number;
  /** The field's name, '' for all text. */
  name: string;
  kind: 'text' | 'weights';
  bits: 8 | 16 | undefined;
}

export const ALL_TEXT: TermSpace = { field: -1, name: '', kind: 'text', bits: undefined };

/** Looks fields up by name and says which have terms of their own. */
export class Fields {
  readonly layout: Layout;
  /** Places of the text fields in the layout. */
  readonly text: number[];
  /** Spaces besides all text, by field; undefined where a field's terms are all the text there is. */
  readonly spaces: (TermSpace | undefined)[];

  constructor(layout: Layout) {
    this.layout = layout;
    this.text = layout.fields.flatMap((f, i) => (f.kind === 'text' ? [i] : []));
    const several = this.text.length > 1;
    this.spaces = layout.fields.map((f, field) =>
      f.kind === 'weights'
        ? { field, name: f.name, kind: f.kind, bits: f.bits }
        : several
          ? { field, name: f.name, kind: f.kind, bits: undefined }
          : undefined,
    );
  }

  /** The names of the text fields. */
  get textNames(): string[] {
    return this.text.map(i => this.layout.fields[i].name);
  }

  isText(name: string): boolean {
    return this.layout.fields.some(f => f.kind === 'text' && f.name === name);
  }

  /** The terms of a field, or of all text. Throws IndexError 'argument' where there is no such field. */
  space(name?: string): TermSpace {
    if (name === undefined) {
      if (this.text.length > 0) return ALL_TEXT;
      throw new IndexError(
        'argument',
        `the index searches no text, only weighted terms (${this.describe()}); give { term: weight } and the field`,
      );
    }
    const field = this.layout.fields.findIndex(f => f.name === name);
    if (field < 0) {
      throw new IndexError(
        'argument',
        `field "${name}": the index searches ${this.describe()}; name one of these, or build it with that field`,
      );
    }
    return this.spaces[field] ?? ALL_TEXT;
  }

  private describe(): string {
    return this.layout.fields.map(f => `${f.name} (${f.kind})`).join(', ');
  }
}

/** The bytes of a term as the dictionary holds it. */
export function entryOf(space: TermSpace, term: Uint8Array): Uint8Array {
  if (space.field < 0) return term;
  const bytes = new Uint8Array(term.length + 2);
  bytes[0] = MARK;
  bytes[1] = space.field;
  bytes.set(term, 2);
  return bytes;
}

/** The field of a dictionary entry, -1 for all text. */
export const fieldOfEntry = (entry: Uint8Array): number => (entry[0] === MARK ? entry[1] : -1);

/** Where a dictionary entry's own term begins. */
export const termStart = (entry: Uint8Array): number => (entry[0] === MARK ? 2 : 0);

/** A name under which a term's numbers can be kept; no term of another field has the same. */
export const entryName = (space: TermSpace, word: string): string =>
  // a lone surrogate is in no string that came from UTF-8
  space.field < 0 ? word : `\udc00${space.field}\udc00${word}`;

/** Checks the fields a writer was given. Throws IndexError 'argument'. */
export function checkLayout(layout: Layout): void {
  const { fields } = layout;
  const wrong = (what: string): never => {
    throw new IndexError('argument', `fields: ${what}`);
  };
  if (fields.length === 0) wrong('wanted at least one field to search');
  if (fields.length > MOST_FIELDS) wrong(`${fields.length} fields, an index has at most ${MOST_FIELDS}`);
  const seen = new Set<string>();
  for (const field of fields) {
    if (seen.has(field.name)) wrong(`"${field.name}" stands twice`);
    seen.add(field.name);
    if (field.kind === 'weights' && field.bits !== 8 && field.bits !== 16)
      wrong(`"${field.name}": weights of ${String(field.bits)} bits, wanted 8 or 16`);
  }
  if (layout.positions && !fields.some(f => f.kind === 'text'))
    wrong('positions are of terms of text, and no field is text');
}

const soleText = (layout: Layout): boolean => layout.fields.length === 1 && layout.fields[0].kind === 'text';

/** Whether files of one layout can go on as files of the other; the name of a sole text field is in no file. */
export function sameLayout(a: Layout, b: Layout): boolean {
  if (soleText(a) && soleText(b)) return a.positions === b.positions;
  return JSON.stringify(a) === JSON.stringify(b);
}

export function showLayout(layout: Layout): string {
  const fields = layout.fields.map(f =>
    f.kind === 'weights' ? `${f.name} (weights, ${f.bits} bits)` : f.name,
  );
  return `${fields.join(', ')}${layout.positions ? ', with positions' : ''}`;
}
