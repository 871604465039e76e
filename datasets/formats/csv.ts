import { parseString } from 'fast-csv';

/**
 * The rows of a CSV text by column name; the first line names the columns.
 * @param where what an error calls the text
 * @throws Error that names the first row with another number of cells
 */
export async function* csvRows(text: string, where: string): AsyncGenerator<Record<string, string>> {
  const parser = parseString<Record<string, string>, Record<string, string>>(text, {
    headers: true,
    strictColumnHandling: true,
  });
  // A row of the wrong width is an event of its own and would otherwise be left out in silence.
  parser.on('data-invalid', (_row: unknown, row: number) => {
    parser.destroy(new Error(`${where}: row ${row}: its number of cells is not that of the header`));
  });
  for await (const row of parser) yield row as Record<string, string>;
}
