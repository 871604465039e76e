/** The key of a record that never became a row. */

/** Parameters of a source that name the fields of its key. */
export interface KeyParams {
  readonly id?: unknown;
  readonly key?: unknown;
}

/** As a person types it; undefined where the record is no JSON object, or a long one that was cut, or says none. */
export function recordKey(record: string, { id, key = 'doc_id' }: KeyParams): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(record);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const fields = parsed as Readonly<Record<string, unknown>>;
  const names = [key].flat().map(String);
  // one column is found by the names that sources look for
  const own = names.length > 1 ? names : [id ?? [names[0], '_id', 'id'].find(n => Object.hasOwn(fields, n))];
  const values = own.map(name => fields[String(name)]);
  return values.every(v => typeof v === 'string' || Number.isSafeInteger(v)) ? values.join(', ') : undefined;
}
