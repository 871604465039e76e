/** The collections that the peers are compared on, as files of JSON strings. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { dataFolder } from '../lib/folders.ts';
import { corpus as mixed } from './corpus.ts';
import { DATA, scifact, squad } from './data.ts';
import { debianCorpus, FETCH, openQuestions } from './passages.ts';

export interface Corpus {
  readonly name: string;
  /** JSON strings, one passage a line. */
  readonly passages: string;
  readonly count: number;
  /** JSON strings, one query a line. */
  readonly queries: string;
}

/** A round of a small query set would be too short to be timed: it is asked several times over. */
const LEAST_QUERIES = 1500;

export async function lines(file: string): Promise<string[]> {
  return (await fs.promises.readFile(file, 'utf8')).split('\n').filter(line => line !== '');
}

function written(name: string, texts: readonly string[], queries: readonly string[]): Corpus {
  const write = (kind: string, all: readonly string[]): string => {
    const file = path.join(dataFolder(), `${name}.${kind}.jsonl`);
    fs.writeFileSync(file, `${all.map(text => JSON.stringify(text)).join('\n')}\n`);
    return file;
  };
  const asked: string[] = [];
  while (asked.length < LEAST_QUERIES) asked.push(...queries);
  return { name, passages: write('passages', texts), count: texts.length, queries: write('queries', asked) };
}

async function documentation(
  count: number,
  log: (message: string) => void,
  missing: string[],
): Promise<Corpus> {
  const real = await debianCorpus(count, log);
  const shown = count.toLocaleString('en-US');
  if (real !== undefined) return { ...real, name: `documentation ${shown}` };
  missing.push(
    `${shown} passages of Debian documentation: ${FETCH}; sentences of the shared data, mixed, in its place`,
  );
  const { texts, queries } = mixed(count);
  return { name: `mixed sentences ${shown}`, passages: texts, count, queries };
}

/** The collections of a run, the largest last. */
export async function corpora(
  quick: boolean,
  log: (message: string) => void,
): Promise<{ corpora: Corpus[]; missing: string[] }> {
  const missing: string[] = [];
  const found: Corpus[] = [];
  if (fs.existsSync(DATA)) {
    const abstracts = scifact();
    found.push(
      written(
        'SciFact',
        abstracts.texts,
        abstracts.topics.map(([, query]) => query),
      ),
    );
    const english = squad('English', [
      'squadshifts/new_wiki_v1.0.json',
      'squad2-dev/dev-half.dev-v2.0.json',
      'squad2-dev/other-half-no-answers.test-v2.0.json',
    ]);
    const asked = english.questions.filter((_, i) => i % 8 === 0).map(q => q.question);
    found.push(
      written('English', english.texts, [...asked, ...openQuestions(500).map(q => JSON.parse(q) as string)]),
    );
  } else missing.push(`the shared data: no folder ${DATA} (set MILLRACE_DATA)`);
  for (const count of quick ? [20_000] : [100_000, 1_000_000])
    found.push(await documentation(count, log, missing));
  return { corpora: found, missing };
}
