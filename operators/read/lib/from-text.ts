/** Typed values from the text of CSV cells. */
import { type DataType, Utf8 } from 'apache-arrow';
import type { Layout } from './layout.ts';

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** The value a cell's text says for a type; the text itself where it says none, for the error that names it. */
function typed(text: string, type: DataType): unknown {
  if (text === '') return null;
  const name = String(type);
  if (name === 'Bool') {
    if (/^(true|1)$/i.test(text)) return true;
    return /^(false|0)$/i.test(text) ? false : text;
  }
  if (name === 'Int64') return /^[+-]?\d{1,18}$/.test(text) ? BigInt(text) : text;
  if (/^(U?[Ii]nt|Float)/.test(name)) {
    if (NUMBER.test(text)) return Number(text);
    return name.startsWith('Float') && text === 'NaN' ? Number.NaN : text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A record by field name, from cells in the order of a header. Text and keys stay as they are. */
export function fromText(
  layout: Layout,
): (header: readonly string[], cells: readonly string[]) => Record<string, unknown> {
  const types = new Map<string, DataType>();
  for (const f of layout.fields)
    if (!(f.type.type instanceof Utf8) || f.keep === 'json') types.set(f.field, f.type.type);
  const json = new Set(layout.fields.filter(f => f.keep === 'json').map(f => f.field));
  return (header, cells) => {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < header.length; i++) {
      const type = types.get(header[i]);
      const text = cells[i];
      if (type === undefined) record[header[i]] = text;
      else if (json.has(header[i])) record[header[i]] = text === '' ? null : jsonOf(text);
      else record[header[i]] = typed(text, type);
    }
    return record;
  };
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
