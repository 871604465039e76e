import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderWith, jsonl, jsonOf, millrace, project } from './millrace.ts';

const here = project();

beforeAll(async () => {
  const { code, stderr } = await millrace(here, 'run', 'answer');
  expect(code, stderr).toBe(0);
});

describe('search', () => {
  it('shows hits with the matching words marked', async () => {
    const { code, stdout } = await millrace(here, 'search', 'indexes/docs', 'Which', 'beaches?');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^1\. +Busan {2}\d\.\d{3} {2}2/);
    expect(stdout).toContain('with a «beach».');
  });

  it('gives hits to programs, and says when there are none', async () => {
    const [found, none] = await Promise.all([
      millrace(here, 'search', 'indexes/docs', 'apples', '-k', '1', '--json'),
      millrace(here, 'search', 'indexes/docs', 'zebra'),
    ]);
    const { hits } = jsonOf<{ hits: Record<string, unknown>[] }>(found);
    expect(hits).toHaveLength(1);
    expect(hits[0]).toMatchObject({ rank: 0, doc_id: '3', title: 'Daegu' });
    expect([none.code, none.stdout]).toEqual([0, '']);
    expect(none.stderr).toContain('no document holds "zebra"');
  });

  it('names the index that may be meant where there is none', async () => {
    for (const command of [
      ['search', 'indexes/doc', 'beach'],
      ['index', 'info', 'indexes/doc'],
    ]) {
      const { code, stderr } = await millrace(here, ...command);
      expect([code, stderr]).toEqual([1, expect.stringContaining('indexes/doc: there is no index here')]);
      expect(stderr).toContain('help: did you mean indexes/docs?');
    }
    const other = await millrace(here, 'search', 'indexes/somewhere', 'beach');
    expect(other.stderr).toMatch(/help: there are .*indexes\/docs/);
    const none = await millrace(here, 'search', 'nowhere/docs', 'beach');
    expect([none.code, none.stderr]).toEqual([
      1,
      'error  nowhere/docs: there is no index here; build one first\n',
    ]);
  });

  it('scores by another similarity', async () => {
    const [lucene, other] = await Promise.all(
      ['lucene', 'lucene:k1=0,b=0'].map(s =>
        millrace(here, 'search', 'indexes/docs', 'beach', '--similarity', s, '--json'),
      ),
    );
    const score = (o: typeof lucene): number => jsonOf<{ hits: { score: number }[] }>(o).hits[0].score;
    // with k1 = 0 the score is the idf alone, ln(1 + (3 - 1 + .5) / (1 + .5))
    expect(score(other)).toBeCloseTo(Math.log(1 + 2.5 / 1.5), 6);
    expect(score(lucene)).toBeLessThan(score(other));
  });

  it('takes conditions in the query and beside it, and signs without meaning as text', async () => {
    const keys = async (...args: string[]) =>
      jsonOf<{ hits: { doc_id: string }[] }>(
        await millrace(here, 'search', 'indexes/docs', ...args, '--json'),
      ).hits.map(h => h.doc_id);
    const [must, not, phrase, odd, plain, filtered] = [
      await keys('+port city'),
      await keys('korea port -beach'),
      await keys('"capital of Korea" port'),
      await keys('What: is (a "port?'),
      await keys('korea port -beach', '--plain'),
      await keys('korea port', '--filter', 'title=Seoul,Daegu'),
    ];
    expect([must, not, odd, filtered]).toEqual([['2'], ['1'], ['2'], ['1']]);
    expect(phrase.sort()).toEqual(['1', '2']);
    expect(plain.sort()).toEqual(['1', '2']);
    const { code, stderr } = await millrace(here, 'search', 'indexes/docs', 'x', '--filter', 'colour=red');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('filter.colour: the index stores no such column'),
    ]);
  });

  it('takes scores apart', async () => {
    const asked = ['search', 'indexes/docs', 'korea port', '--explain', '-k', '1'];
    const [shown, given] = [await millrace(here, ...asked), await millrace(here, ...asked, '--json')];
    expect(shown.stdout).toMatch(
      /term +tf +df +idf +length +norm +times +score\n +korea +0 +1 .+\n +port +1 +1 +0\.9808/,
    );
    const [hit] = jsonOf<{ hits: { score: number; explanation: { terms: { score: number }[] } }[] }>(
      given,
    ).hits;
    expect(hit.explanation.terms.reduce((sum, t) => sum + t.score, 0)).toBe(hit.score);
  });
});

describe('index', () => {
  it('says what an index holds, and finds a flipped bit', async () => {
    const [info, ok] = await Promise.all([
      millrace(here, 'index', 'info', 'indexes/docs', '--json'),
      millrace(here, 'index', 'verify', 'indexes/docs'),
    ]);
    expect(jsonOf(info)).toMatchObject({ kind: 'sparse', documents: 3, keyColumn: 'doc_id' });
    expect([ok.code, ok.stdout]).toEqual([0, expect.stringContaining('indexes/docs: ok')]);

    const folder = join(here, 'indexes/docs');
    const sizes = readdirSync(folder).map(name => ({ name, bytes: readFileSync(join(folder, name)) }));
    const { name, bytes } = sizes.sort((a, b) => b.bytes.length - a.bytes.length)[0];
    const flipped = Buffer.from(bytes);
    flipped[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(join(folder, name), flipped);
    const { code, stdout } = await millrace(here, 'index', 'verify', 'indexes/docs');
    writeFileSync(join(folder, name), bytes);
    expect(code).toBe(1);
    expect(stdout).toContain(name);
  });

  it('says where there is none, without a stack', async () => {
    const { code, stderr } = await millrace(here, 'index', 'info', 'indexes/none');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error .*indexes\/none/);
    expect(stderr.trim().split('\n').length).toBeLessThan(3);
  });
});

describe('indexes of vectors', () => {
  it('are told, verified and searched by what their folder holds', async () => {
    const docs = [
      { doc_id: 'd1', title: 'Rivers', text: 'The Amazon is the largest river by discharge.' },
      { doc_id: 'd2', title: 'Music', text: 'Beethoven wrote nine symphonies.' },
    ];
    const steps = [
      '{ id: docs, op: read.jsonl, with: { path: docs.jsonl } }',
      '{ id: v, op: encode.dense }',
      '{ id: dense, op: index.dense, with: { path: i/dense } }',
      '{ id: t, op: encode.tokens, from: docs }',
      '{ id: late, op: index.late, with: { path: i/late } }',
    ];
    const folder = folderWith({
      'docs.jsonl': jsonl(docs),
      'vectors.yaml': `name: vectors\nmemory: 1 GiB\nsteps:\n${steps.map(s => `  - ${s}\n`).join('')}`,
    });
    const ran = await millrace(folder, 'run', 'vectors.yaml');
    expect(ran.code, ran.stderr).toBe(0);
    for (const kind of ['dense', 'late']) {
      const info = await millrace(folder, 'index', 'info', `i/${kind}`, '--json');
      expect(jsonOf(info)).toMatchObject({ kind, documents: 2, keyColumn: 'doc_id' });
      expect((await millrace(folder, 'index', 'info', `i/${kind}`)).stdout).toContain('256 numbers');
      const verified = await millrace(folder, 'index', 'verify', `i/${kind}`);
      expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('ok')]);
      const found = await millrace(folder, 'search', `i/${kind}`, 'symphonies', '--json');
      expect(jsonOf<{ hits: object[] }>(found).hits[0]).toMatchObject({
        rank: 0,
        doc_id: 'd2',
        source: kind,
      });
      const shown = await millrace(folder, 'search', `i/${kind}`, 'the largest river', '-k', '1');
      expect(shown.stdout).toMatch(/^1\. +Rivers/);
    }
    for (const kind of ['dense', 'late'])
      expect((await millrace(folder, 'index', 'info', `i/${kind}`)).stdout).toMatch(/^ +model +default$/m);
    const filtered = await millrace(folder, 'search', 'i/dense', 'x', '--filter', 'lang=en');
    expect(filtered.stderr).toMatch(
      /filter\.lang: the index stores no such column.*\n.*help: add `store: \[lang\]`/,
    );
    const far = await millrace(folder, 'search', 'i/dense', 'x', '--model', 'hf:not/here');
    expect(far.stderr).toMatch(/searches fetch none\n.*millrace models add hf:not\/here/);
    const other = await millrace(folder, 'search', 'i/dense', 'x', '--model', 'korean');
    expect(other.stderr).toContain('--model korean: the index holds vectors of default');
    const words = await millrace(folder, 'search', 'i/late', 'x', '--explain');
    expect([words.code, words.stderr]).toEqual([
      2,
      expect.stringContaining('--explain: is for indexes of words'),
    ]);
  });
});

describe('vectors made elsewhere', () => {
  const units = [
    { unit_id: 'a', doc_id: 'a', text: 'a', vector: [1, 0], token_vectors: [[1, 0]] },
    { unit_id: 'b', doc_id: 'b', text: 'b', vector: [0, 1], token_vectors: [[0, 1]] },
  ];
  const columns = 'vector: "fixed<2,float32>", token_vectors: "list<fixed<2,float32>>"';
  const read = (path: string, key: string, text: string) =>
    `{ id: rows, op: read.jsonl, with: { path: ${path}, key: ${key}, columns: { ${text}, ${columns} } } }`;
  const pipeline = (...steps: string[]) => `name: p\nsteps:\n${steps.map(s => `  - ${s}\n`).join('')}`;
  const folder = folderWith({
    'units.jsonl': jsonl(units),
    'questions.jsonl': jsonl([{ question_id: 'q', question: 'a', vector: [1, 0], token_vectors: [[1, 0]] }]),
    'index.yaml': pipeline(
      read('units.jsonl', 'unit_id', 'doc_id: utf8, text: utf8'),
      '{ id: dense, op: index.dense, with: { path: i/dense, method: hnsw } }',
      '{ id: late, op: index.late, from: rows, with: { path: i/late } }',
      '{ id: words, op: index.sparse, from: rows, with: { path: i/sparse } }',
    ),
  });
  const asked = async (step: string) => {
    writeFileSync(
      join(folder, 'ask.yaml'),
      pipeline(
        read('questions.jsonl', 'question_id', 'question: utf8'),
        step,
        '{ id: out, op: write.jsonl, with: { path: out.jsonl } }',
      ),
    );
    return millrace(folder, 'run', 'ask.yaml');
  };
  beforeAll(async () => {
    const { code, stderr } = await millrace(folder, 'run', 'index.yaml');
    expect(code, stderr).toBe(0);
  });

  it('are not searched by a model that nobody named', async () => {
    for (const kind of ['dense', 'late']) {
      const { code, stderr } = await millrace(folder, 'search', `i/${kind}`, 'x');
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining(`i/${kind}: the index does not name the model`),
      ]);
      expect(stderr).toContain('--model');
      expect((await millrace(folder, 'index', 'info', `i/${kind}`)).stdout).toContain('it names none');
    }
    const info = await millrace(folder, 'index', 'info', 'i/dense');
    expect(info.stdout).toContain('none; segments of less than 5,000 rows are searched exactly');
  });

  it('say which kind of index a folder holds', async () => {
    const kinds = ['sparse', 'dense', 'late'];
    const holds = { sparse: 'words', dense: 'vectors', late: 'token vectors' } as Record<string, string>;
    for (const kind of kinds)
      for (const other of kinds.filter(k => k !== kind)) {
        const { code, stderr } = await asked(`{ id: hits, op: search.${kind}, with: { index: i/${other} } }`);
        expect(code).toBe(1);
        expect(stderr).toContain(`this is an index of ${holds[other]}, wanted one of ${holds[kind]}`);
        expect(stderr).toContain(`search it with search.${other}`);
      }
  });

  it('say what to do about numbers that are none, and about lists without a length', async () => {
    for (const [column, value] of [
      ['vector', '[1, 1e39]'],
      ['token_vectors', '[[1, 1e39]]'],
    ]) {
      const kind = column === 'vector' ? 'dense' : 'late';
      writeFileSync(join(folder, 'bad.jsonl'), `{"unit_id": "bad", "${column}": ${value}}\n`);
      const step = `{ id: index, op: index.${kind}, with: { path: i/bad-${kind} } }`;
      const type = kind === 'dense' ? 'fixed<2,float32>' : 'list<fixed<2,float32>>';
      const source = `{ id: rows, op: read.jsonl, with: { path: bad.jsonl, key: unit_id, columns: { ${column}: "${type}" } } }`;
      writeFileSync(join(folder, 'bad.yaml'), pipeline(source, step));
      const { code, stderr } = await millrace(folder, 'run', 'bad.yaml');
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/key "bad.*wanted finite|key "bad.*not finite/),
      ]);
      expect(stderr).toContain('onError does not reach the rows of a sink');
      const plain = '{ id: rows, op: read.jsonl, with: { path: units.jsonl, key: unit_id } }';
      writeFileSync(join(folder, 'plain.yaml'), pipeline(plain, step));
      const guessed = await millrace(folder, 'check', 'plain.yaml');
      const said = `${guessed.stdout}${guessed.stderr}`;
      expect(said).toContain('FixedSizeList[any length]<Float32>');
      expect(said).toContain(`columns: { ${column}: "${type.replace('2', '3')}" }`);
    }
  });

  it('are filtered by stored columns only: another is an error of the step, not of every question', async () => {
    for (const kind of ['sparse', 'dense', 'late']) {
      const step = (filter: string) =>
        asked(
          `{ id: hits, op: search.${kind}, onError: skip, with: { index: i/${kind}, filter: ${filter} } }`,
        );
      const { code, stderr } = await step('{ lang: en }');
      expect(code).toBe(1);
      expect(stderr).toContain('with.filter.lang: the index stores no such column');
      expect(stderr).toContain('add `store: [lang]`');
      expect((await step('{ text: 3 }')).stderr).toContain('with.filter.text: is 3, the column holds utf8');
    }
  });
});

describe('evaluate', () => {
  it('measures hits against questions', async () => {
    const outcome = await millrace(
      here,
      'evaluate',
      'out/hits.jsonl',
      '--gold',
      'questions.jsonl',
      '--k',
      '1,2',
      '--json',
    );
    expect(outcome.code, outcome.stderr).toBe(0);
    const { questions, metrics } = jsonOf<{ questions: number; metrics: Record<string, number> }>(outcome);
    expect(questions).toBe(3);
    expect(metrics['gold@1']).toBeCloseTo(2 / 3, 10);
    expect(metrics['answer@1']).toBe(1);
  });

  it('reads lists from the CSV of hits that a pipeline wrote', async () => {
    const folder = folderWith({
      'hits.csv':
        'question_id,question,answers,doc_ids,rank,doc_id,text,score\n' +
        'q1,port?,"[""Busan""]","[""2""]",0,2,Busan is a port,2.5\n' +
        'q1,port?,"[""Busan""]","[""2""]",1,1,Seoul,1.5\n',
    });
    const outcome = await millrace(folder, 'evaluate', 'hits.csv', '--k', '1', '--json');
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(jsonOf<{ metrics: object }>(outcome).metrics).toMatchObject({ 'gold@1': 1, 'answer@1': 1 });
  });

  it('measures a TREC run against qrels as trec_eval does, and compares two runs', async () => {
    // trec_eval sorts by score: q1 finds its document first, q2 second; q3 is in the qrels only and left out
    const folder = folderWith({
      'a.trec': 'q1 Q0 d1 1 2.0 a\nq1 Q0 d2 2 1.0 a\nq2 Q0 d3 1 1.0 a\nq2 Q0 d4 2 3.0 a\n',
      'b.trec': 'q1 Q0 d2 1 2.0 b\nq1 Q0 d1 2 1.0 b\nq2 Q0 d3 1 1.0 b\nq2 Q0 d4 2 3.0 b\n',
      'qrels.txt': 'q1 0 d1 1\nq2 0 d3 1\nq3 0 d9 1\n',
    });
    const [alone, complete, both] = await Promise.all([
      millrace(folder, 'evaluate', 'a.trec', '--qrels', 'qrels.txt', '--json'),
      millrace(folder, 'evaluate', 'a.trec', '--qrels', 'qrels.txt', '--json', '--complete'),
      millrace(folder, 'evaluate', 'a.trec', '--qrels', 'qrels.txt', '--against', 'b.trec', '--json'),
    ]);
    interface Evaluation {
      questions: number;
      missing: number;
      metrics: Record<string, number>;
      comparison: Record<string, { first: number; second: number; difference: number }>;
    }
    const a = jsonOf<Evaluation>(alone);
    expect([a.questions, a.missing, a.metrics.mrr, a.metrics.map]).toEqual([2, 1, 0.75, 0.75]);
    expect(jsonOf<Evaluation>(complete).metrics.mrr).toBeCloseTo(0.5, 10);
    expect(jsonOf<Evaluation>(both).comparison.mrr).toMatchObject({
      first: 0.5,
      second: 0.75,
      difference: 0.25,
    });
  });

  it('says what it cannot judge', async () => {
    const folder = folderWith({ 'hits.jsonl': jsonl([{ question_id: 'q', doc_id: 'a', score: 1 }]) });
    const { code, stderr } = await millrace(folder, 'evaluate', 'hits.jsonl');
    expect(code).toBe(2);
    expect(stderr).toContain('--gold FILE');
  });
});
