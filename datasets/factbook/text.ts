/**
 * From the nested JSON of the World Factbook to lines a person can read. Shape of a section:
 * `{ field: { text?: string | null, [label]: { text: string | null } } }`.
 */

/** A field: its own `text`, and labelled parts. */
export type FactbookField = { text?: string | null } & { [label: string]: unknown };
export type FactbookSection = Record<string, FactbookField>;

/** Above this many characters, or with a `;` of its own, a labelled part gets a line to itself. */
const LONG_PART = 120;

/**
 * One value as readable text: white space collapsed, `++` (a line break of the original page) as `; `, or as
 * a space where the text around it already parts the two. Empty for null and for white space alone.
 */
export function cleanValue(value: string | null | undefined): string {
  if (value === null || value === undefined) return '';
  const pieces = value
    .replace(/\n\s*note:/g, ' ++ note:')
    .split('++')
    .map(piece =>
      piece
        .replace(/\s+/g, ' ')
        .replace(/([([]) /g, '$1')
        .trim(),
    )
    .filter(piece => piece !== '');
  let text = '';
  for (const piece of pieces) {
    if (text === '') text = piece;
    else text += (/(?:[.!?;:]["']?| -)$/.test(text) || piece.startsWith('(') ? ' ' : '; ') + piece;
  }
  return text;
}

function sentence(text: string): string {
  return /[.!?]["')\]]?$/.test(text) ? text : `${text.replace(/[;:,]$/, '')}.`;
}

/** The labelled parts of a field that say something, in the file's order. */
function partsOf(field: FactbookField): { label: string; value: string }[] {
  const parts: { label: string; value: string }[] = [];
  for (const [label, part] of Object.entries(field)) {
    if (label === 'text' || typeof part !== 'object' || part === null) continue;
    const value = cleanValue((part as { text?: string | null }).text);
    if (value !== '') parts.push({ label, value });
  }
  return parts;
}

/**
 * A field as one line, or as a line a part where its parts are long:
 * `Area - total: 83,871 sq km; land: 82,445 sq km; water: 1,426 sq km.` A field's own text comes first, and a
 * note follows as a sentence of its own. No lines for a field without text.
 */
export function fieldLines(name: string, field: FactbookField): string[] {
  const text = cleanValue(field.text);
  const parts = partsOf(field);
  const lines = text === '' ? [] : [sentence(`${name}: ${text}`)];
  const long = parts.some(
    part => part.label !== 'note' && (part.value.length > LONG_PART || part.value.includes(';')),
  );
  if (long) return [...lines, ...parts.map(part => sentence(`${name} - ${part.label}: ${part.value}`))];

  const listed = parts.filter(part => part.label !== 'note').map(part => `${part.label}: ${part.value}`);
  const notes = parts.filter(part => part.label === 'note').map(part => part.value);
  if (listed.length > 0) {
    const joined = listed.join('; ');
    if (lines.length === 0) lines.push(sentence(`${name} - ${joined}`));
    else lines[0] += ` ${sentence(`${joined[0]?.toUpperCase() ?? ''}${joined.slice(1)}`)}`;
  }
  for (const note of notes) {
    if (lines.length === 0) lines.push(sentence(`${name} - note: ${note}`));
    else lines[0] += ` ${sentence(`Note: ${note}`)}`;
  }
  return lines;
}

/** A section as text: its fields in the file's order, a line each. Empty where no field says anything. */
export function sectionText(section: FactbookSection): string {
  return Object.entries(section)
    .flatMap(([name, field]) => fieldLines(name, field))
    .join('\n');
}
