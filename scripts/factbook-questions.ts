/**
 * Writes datasets/factbook.questions.jsonl: the questions derived from facts by templates, then those written
 * by hand in datasets/factbook/written.jsonl, each with its kind and split. Run: npx tsx scripts/factbook-questions.ts
 * With --check it writes nothing and exits 1 where the file is not what it would write.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BareQuestion, type Country, derivedQuestions } from '../datasets/factbook/derive.ts';
import { documentId, documentsOf, factbookCountries } from '../datasets/factbook/documents.ts';
import { questionProblems, splitsOf } from '../datasets/factbook/questions.ts';
import { packageRoot } from '../datasets/folders.ts';

const target = join(packageRoot(), 'datasets/factbook.questions.jsonl');
const written = (await readFile(join(packageRoot(), 'datasets/factbook/written.jsonl'), 'utf8'))
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line) as BareQuestion);

const countries: Country[] = [];
const texts = new Map<string, string>();
for await (const { file, sections } of factbookCountries()) {
  const documents: Record<string, { doc_id: string; text: string }> = {};
  for (const { section, text } of documentsOf(file, sections)) {
    documents[section] = { doc_id: documentId(file.code, section), text };
    texts.set(documentId(file.code, section), text);
  }
  countries.push({ ...file, sections, documents });
}

const derived = derivedQuestions(countries);
const splits = splitsOf([...derived, ...written]);
const rows = [
  ...derived.map(question => ({ ...question, kind: 'derived' as const })),
  ...written.map(question => ({ ...question, kind: 'written' as const })),
].map(question => ({ ...question, split: splits(question) }));

const problems = questionProblems(rows, texts);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);

const text = `${rows.map(row => JSON.stringify(row)).join('\n')}\n`;
if (process.argv.includes('--check')) {
  const same = (await readFile(target, 'utf8')) === text;
  console.error(
    same ? `${target} is current` : `${target} is not what this script writes: run it without --check`,
  );
  process.exit(same ? 0 : 1);
}
await writeFile(target, text);
console.error(`${target}: ${derived.length} derived, ${written.length} written`);
