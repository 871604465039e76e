const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/**
 * Reads a list of strings as Python prints it, with or without commas: `['one.'\n "it's two."]`. Each string
 * is quoted singly, or doubly where it holds a single quote, with backslash escapes.
 * @throws Error with the offset where something else stands
 */
export function parsePrintedList(text: string): string[] {
  const strings: string[] = [];
  const fail = (at: number, wanted: string): never => {
    throw new Error(
      `printed list: found ${JSON.stringify(text.slice(at, at + 20))} at offset ${at}, wanted ${wanted}`,
    );
  };
  let at = text.length - text.trimStart().length;
  if (text[at] !== '[') fail(at, '"["');
  at++;
  for (;;) {
    while (at < text.length && /[\s,]/.test(text[at] ?? '')) at++;
    if (text[at] === ']') break;
    const quote = text[at];
    if (quote !== "'" && quote !== '"') fail(at, 'a quoted string or "]"');
    at++;
    let value = '';
    while (text[at] !== quote) {
      if (at >= text.length) fail(at, `the closing ${quote}`);
      if (text[at] !== '\\') {
        value += text[at++];
        continue;
      }
      const kind = text[at + 1] ?? '';
      const digits = { x: 2, u: 4, U: 8 }[kind];
      if (digits !== undefined) {
        const hex = text.slice(at + 2, at + 2 + digits);
        if (!/^[\da-fA-F]+$/.test(hex) || hex.length !== digits)
          fail(at, `\\${kind} and ${digits} hex digits`);
        value += String.fromCodePoint(Number.parseInt(hex, 16));
        at += 2 + digits;
      } else {
        value += ESCAPES[kind] ?? fail(at, 'a known escape');
        at += 2;
      }
    }
    at++;
    strings.push(value);
  }
  if (text.slice(at + 1).trim() !== '') fail(at + 1, 'nothing after "]"');
  return strings;
}
