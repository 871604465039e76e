import { readFile } from 'node:fs/promises';
import { checkSplit, type DatasetContext } from './descriptor.ts';

/**
 * Reads which split each article belongs to: `{ [set]: { train: titles, dev: titles, test: titles } }`.
 * @param set the set's name in the file
 * @returns the split of a title; it throws on a title that no split lists
 * @throws Error where the context asks for another split, or the file lacks the set
 */
export async function articleSplit(
  path: string,
  set: string,
  dataset: string,
  ctx: DatasetContext,
): Promise<(title: string) => string> {
  checkSplit(dataset, ['train', 'dev', 'test'], ctx.split);
  const splits = (JSON.parse(await readFile(path, 'utf8')) as Record<string, Record<string, string[]>>)[set];
  if (splits === undefined)
    throw new Error(`${path}: found no "${set}", wanted its train, dev and test titles`);
  const byTitle = new Map(
    Object.entries(splits).flatMap(([split, titles]) => titles.map(title => [title, split])),
  );
  return title => {
    const split = byTitle.get(title);
    if (split === undefined) throw new Error(`${path}: no split of "${set}" lists the article "${title}"`);
    return split;
  };
}
