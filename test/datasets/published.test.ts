import { describe, expect, it } from 'vitest';
import type { DatasetColumnType, DatasetDescriptor, DatasetRow } from '../../datasets/descriptor.ts';
import { datasets, findDataset, verifyDataset } from '../../datasets/index.ts';

const outside = datasets.filter(dataset => dataset.name !== 'factbook');
const absent = new Map<string, string>();
for (const dataset of outside) {
  const why = await dataset.available({});
  if (why !== undefined) {
    absent.set(dataset.name, why);
    console.warn(`skipped: ${why}`);
  }
}

async function take(name: string, what: string, split?: string): Promise<DatasetRow[]> {
  const rows: DatasetRow[] = [];
  const ctx = split === undefined ? {} : { split };
  for await (const row of findDataset(name).takes[what]?.rows(ctx) ?? []) rows.push(row);
  return rows;
}

const isOf: Record<DatasetColumnType, (value: unknown) => boolean> = {
  utf8: value => typeof value === 'string',
  int32: value => Number.isInteger(value),
  'list<utf8>': value => Array.isArray(value) && value.every(item => typeof item === 'string'),
  'list<int32>': value => Array.isArray(value) && value.every(item => Number.isInteger(item)),
};

/** Rows that are not of the declared columns, or that share their key with another row. */
function misfits(dataset: DatasetDescriptor, what: string, rows: readonly DatasetRow[]): unknown[] {
  const declared = dataset.takes[what];
  if (declared === undefined) return [`no take ${what}`];
  const columns = Object.entries(declared.columns);
  const seen = new Set<string>();
  return rows.filter(row => {
    const key = JSON.stringify(declared.key.map(column => row[column]));
    const twin = seen.has(key);
    seen.add(key);
    return (
      twin ||
      Object.keys(row).length !== columns.length ||
      !columns.every(([column, type]) => column in row && isOf[type](row[column]))
    );
  });
}

describe.each(outside)('$name', dataset => {
  const run = it.skipIf(absent.has(dataset.name));

  run('is byte for byte as published', async () => {
    for (const check of await verifyDataset(dataset)) expect(check).toMatchObject({ state: 'ok' });
  });

  run('gives rows of its columns, one a key', async () => {
    for (const what of Object.keys(dataset.takes)) {
      expect(misfits(dataset, what, await take(dataset.name, what))).toEqual([]);
    }
  });

  run('gives each row in one split', async () => {
    for (const [what, declared] of Object.entries(dataset.takes)) {
      if (declared.splits === undefined || what === 'documents') continue;
      const all = await take(dataset.name, what);
      const parts = await Promise.all(declared.splits.map(split => take(dataset.name, what, split)));
      expect(parts.flat().length).toBe(all.length);
      expect(parts.every(part => part.length > 0)).toBe(true);
    }
  });
});

describe('counts and contents as published', () => {
  const when = (name: string) => it.skipIf(absent.has(name));

  when('scifact')('scifact: 5,183 abstracts, 300 claims, 339 pairs, 809 training claims', async () => {
    const documents = await take('scifact', 'documents');
    const test = await take('scifact', 'questions', 'test');
    expect([documents.length, test.length]).toEqual([5183, 300]);
    expect(test.reduce((sum, row) => sum + (row.relevance as number[]).length, 0)).toBe(339);
    expect(await take('scifact', 'questions', 'train')).toHaveLength(809);
    expect(documents[0]?.text).toMatch(/^Alterations of the architecture of cerebral white matter/);
    expect(documents[0]?.text).toContain('disabilities. A line scan diffusion-weighted');
    const ids = new Set(documents.map(row => row.doc_id));
    expect(test.every(row => (row.doc_ids as string[]).every(id => ids.has(id)))).toBe(true);
    const quoted = documents.find(row => String(row.text).startsWith('HEN1-mediated'));
    expect(quoted?.text).toContain("HEN1-mediated 2'-O-methylation has been shown");
    expect(documents.filter(row => /\\n|\\'|\\x/.test(String(row.text)))).toEqual([]);
  });

  const squads = [
    ['new-wiki', 1581, 7938, 22794],
    ['squad2-dev', 646 + 570, 6078 + 5915, 10052],
    ['korquad1', 961, 5774, 5774],
  ] as const;
  for (const [name, contexts, asked, answers] of squads) {
    when(name)(
      `${name}: ${contexts} contexts, ${asked} questions, answers where their offsets say`,
      async () => {
        const texts = new Map((await take(name, 'documents')).map(row => [row.doc_id, String(row.text)]));
        const questions = await take(name, 'questions');
        expect([texts.size, questions.length]).toEqual([contexts, asked]);
        let found = 0;
        for (const row of questions) {
          const text = texts.get((row.doc_ids as string[])[0]) ?? '';
          const starts = row.answer_starts as number[];
          for (const [at, answer] of (row.answers as string[]).entries()) {
            const start = starts[at] ?? -1;
            if (text.slice(start, start + answer.length) === answer) found++;
          }
        }
        expect(found).toBe(answers);
      },
    );
  }

  when('new-wiki')('new-wiki: splits share no article', async () => {
    const titles = await Promise.all(
      ['train', 'dev', 'test'].map(
        async split => new Set((await take('new-wiki', 'questions', split)).map(row => row.title)),
      ),
    );
    expect(titles.map(set => set.size)).toEqual([24, 12, 12]);
    expect(new Set(titles.flatMap(set => [...set])).size).toBe(48);
  });

  when('squad2-dev')('squad2-dev: 3,168 questions have no answer', async () => {
    const answered = (await take('squad2-dev', 'questions')).filter(row => row.split !== 'withheld');
    expect(answered.filter(row => (row.answers as string[]).length === 0)).toHaveLength(3168);
  });

  when('korquad1')('korquad1: Korean text comes as it is stored', async () => {
    const [first] = await take('korquad1', 'questions');
    expect(first?.title).toBe('임종석');
    expect(String(first?.question)).toMatch(/[가-힣]/);
    expect(String(first?.question).normalize('NFC')).toBe(first?.question);
  });

  when('kobest-boolq')(
    'kobest-boolq: 5,757 distinct paragraphs, no line ends or neighbouring cells in them',
    async () => {
      const documents = await take('kobest-boolq', 'documents');
      expect(documents).toHaveLength(5757);
      expect(documents.filter(row => /[\r\n\t]/.test(String(row.text)))).toEqual([]);
      expect(documents.filter(row => !/[가-힣]/.test(String(row.text)))).toEqual([]);
    },
  );

  when('nq-open')('nq-open: 3,610, 1,800 and 1,769 questions', async () => {
    const sizes = await Promise.all(
      ['dev', 'efficientqa-dev', 'efficientqa-test'].map(
        async split => (await take('nq-open', 'questions', split)).length,
      ),
    );
    expect(sizes).toEqual([3610, 1800, 1769]);
    const [first] = await take('nq-open', 'questions', 'efficientqa-test');
    expect(first?.accepted).toEqual(['6 geese a-laying', 'maids a-milking', 'six geese a-laying']);
  });
});
