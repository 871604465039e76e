/** JSON for people and programs. bigint columns as numbers where they are exact, as text where not. */
export const jsonText = (value: unknown, indent = 2): string =>
  JSON.stringify(
    value,
    (_key, v: unknown) =>
      typeof v !== 'bigint' ? v : Number.isSafeInteger(Number(v)) ? Number(v) : v.toString(),
    indent,
  );
