/** Looks into somebody's corpus: which operator reads it, with which parameters, and what its texts are like. */
import { relative } from 'node:path';
import { type AnyOperator, asEngine, type Params, UserError } from '../../define/index.ts';
import { type Sample, sampleRows } from '../source.ts';
import { chooseAnalyzer, chooseFields, type Fields, longTextWords } from './choose.ts';
import { type Corpus, corpusAt } from './corpus.ts';

/** Rows looked at. */
const HEAD = 500;
/** Fields that sources take for the id by themselves. */
const OWN_IDS = ['_id', 'id'];
/** A key that is no field's name. */
const NO_KEY = '#';

/** What the user says instead of a guess. */
export interface Wishes {
  readonly id?: string;
  readonly text?: string;
  readonly title?: string;
  readonly analyzer?: string;
}

export interface Look {
  readonly corpus: Corpus;
  /** The `with` of the reading step, without `path`. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Fields that were chosen, where there are fields. */
  readonly fields?: Fields;
  readonly analyzer: { readonly name: string; readonly why: string };
  /** Words that nine of ten texts do not go beyond. */
  readonly words: number;
  readonly rows: readonly { readonly title?: string; readonly text: string }[];
}

/** The head of a source with its fields under their own names. */
async function rawSample(op: AnyOperator, path: string, root: string): Promise<Sample> {
  const sample = await sampleRows(op, { path, key: NO_KEY }, root, HEAD);
  const engine = asEngine(op);
  const ctx = { root, path: (p: string) => p };
  let own: string | undefined;
  for (const id of OWN_IDS) {
    try {
      if (engine.shape === 'source')
        await engine.columns(op.params.parse({ path, key: NO_KEY, id }) as Params, ctx);
      own = id;
      break;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  const { [NO_KEY]: key, ...columns } = sample.columns;
  const rows = sample.rows.map(({ [NO_KEY]: value, ...row }) =>
    own === undefined ? row : { [own]: value, ...row },
  );
  return { columns: own === undefined || !key ? columns : { [own]: key, ...columns }, rows };
}

function wished(fields: Fields, wishes: Wishes, known: readonly string[]): Fields {
  const out = { ...fields };
  for (const name of ['id', 'text', 'title'] as const) {
    const field = wishes[name];
    if (field === undefined) continue;
    if (!known.includes(field)) {
      throw new UserError(`--${name}: there is no field "${field}"`, {
        help: `the fields are ${known.join(', ')}`,
      });
    }
    out[name] = { field, why: 'as you said' };
  }
  return out;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/**
 * @param path absolute; @param shown as the user wrote it; @param root the folder relative paths start from
 * @throws UserError where nothing can be read
 */
export async function lookInto(
  path: string,
  shown: string,
  root: string,
  operators: readonly AnyOperator[],
  wishes: Wishes,
): Promise<Look> {
  const corpus = await corpusAt(path, shown);
  const op = operators.find(o => o.name === corpus.op);
  if (!op) throw new UserError(`--corpus: ${shown} is ${corpus.what}, which needs ${corpus.op}`);
  let params: Record<string, unknown> = corpus.op === 'read.squad' ? { take: 'contexts' } : {};
  let fields: Fields | undefined;
  let sample: Sample;
  if (corpus.fields) {
    sample = await rawSample(op, path, root);
    const names = Object.keys(sample.columns);
    fields = wished(chooseFields(sample), wishes, names);
    if (sample.rows.length > 0 && fields.text.field === undefined) {
      throw new UserError(`--corpus: no field of ${shown} holds text; the fields are ${names.join(', ')}`, {
        help: '--text FIELD says which one to search',
      });
    }
    params = Object.fromEntries(
      (['id', 'title', 'text'] as const).flatMap(name => {
        const { field } = (fields as Fields)[name];
        return field === undefined ? [] : [[name, field]];
      }),
    );
  } else {
    sample = await sampleRows(op, { path, ...params }, root, HEAD);
  }
  if (sample.rows.length === 0) {
    throw new UserError(`--corpus: ${shown} (${corpus.what}) holds no rows that can be read`, {
      help: `millrace operators ${corpus.op} says what it wants`,
    });
  }
  const textField = fields?.text.field ?? 'text';
  const titleField = fields ? fields.title.field : 'title';
  const rows = sample.rows.flatMap(row => {
    const text = textOf(row[textField]);
    return text === undefined
      ? []
      : [{ text, title: titleField === undefined ? undefined : textOf(row[titleField]) }];
  });
  const texts = rows.map(r => r.text);
  const analyzer = wishes.analyzer ? { name: wishes.analyzer, why: 'as you said' } : chooseAnalyzer(texts);
  return { corpus, params, fields, analyzer, words: longTextWords(texts), rows };
}

/** A path as a pipeline in `folder` names it: relative where it lies near, else absolute; always with `/`. */
export function pathFrom(folder: string, path: string): string {
  const short = relative(folder, path);
  const far = /^(\.\.[\\/]){4,}/.test(short) || /^([a-z]:|\\\\)/i.test(short);
  return (far ? path : short).replaceAll('\\', '/');
}
