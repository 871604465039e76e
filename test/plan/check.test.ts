import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { utf8 } from '../../src/arrow/index.ts';
import { operator, readsPath, UserError } from '../../src/define/index.ts';
import { check, countProblems, formatProblems } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { answer, both, indexWiki, withStep } from './pipelines.ts';

const root = '/nowhere';
const codes = async (definition: unknown, more: object = {}) =>
  (await check(definition, { operators, root, ...more })).problems.map(p => p.code);

describe('the messages of the design', () => {
  const wrong = () => {
    const large = withStep(indexWiki(), 'split', { with: { words: 100, large: true } });
    return withStep(large, 'encode', { with: { modle: 'default' } });
  };

  it('are as the design shows them, both at once', async () => {
    const { plan, problems } = await check(wrong(), { operators, root });
    expect(plan).toBeUndefined();
    expect(formatProblems(problems)).toBe(
      [
        'error  index-wiki > steps[2] "sparse"',
        '       index.sparse reads column "text" (Utf8), but "split" gives it as LargeUtf8',
        'error  index-wiki > steps[3] "encode"',
        '       with.modle: encode.dense has no such parameter',
        '       help: did you mean "model"?',
      ].join('\n'),
    );
    expect(countProblems(problems)).toBe('2 errors');
  });

  it('have colours when asked', async () => {
    const { problems } = await check(wrong(), { operators, root });
    const text = formatProblems(problems, { color: true });
    expect(text).toContain('\x1b[31merror\x1b[0m  \x1b[1mindex-wiki > steps[2] "sparse"\x1b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for
    expect(text.replace(/\x1b\[\d+m/g, '')).toBe(formatProblems(problems));
  });
});

describe('messages say what was found and what was wanted', () => {
  const message = async (definition: unknown) => {
    const { problems } = await check(definition, { operators, root });
    return problems.map(p => (p.help === undefined ? p.message : `${p.message} | ${p.help}`));
  };

  it.each([
    [
      withStep(indexWiki(), 'split', { with: { words: 'ten' } }),
      'with.words: wanted a whole number, got "ten"',
    ],
    [withStep(indexWiki(), 'split', { with: { words: 0 } }), 'with.words: wanted more than 0, got 0'],
    [
      withStep(indexWiki(), 'docs', { with: {} }),
      'with.path: read.jsonl needs this parameter: file, glob or folder | wanted text',
    ],
    [
      withStep(indexWiki(), 'sparse', { with: { path: 'x', analyzer: 'koraen' } }),
      'with.analyzer: wanted "standard", "english" or "korean", got "koraen" | did you mean "korean"?',
    ],
    [
      withStep(indexWiki(), 'split', { with: { parallel: 2 } }),
      'with.parallel: split.passages has no such parameter | "parallel" stands beside "with", not in it',
    ],
    [
      withStep(indexWiki(), 'split', { words: 10 } as object),
      'a step has no key "words" | it is a parameter of split.passages: put it into "with"',
    ],
    [
      withStep(indexWiki(), 'split', { op: 'split.passage' }),
      'op: there is no operator "split.passage" | did you mean "split.passages"?',
    ],
    [
      withStep(indexWiki(), 'encode', { from: undefined }),
      'the step above, "sparse" (index.sparse), is a sink and gives no rows | say from: "split"',
    ],
    [
      withStep(answer(), 'sparse', { with: { index: 'i', weights: true } }),
      'with.weights: wanted text, or a list, got true',
    ],
    [
      withStep(answer(), 'vectors', { with: { model: 'm', column: 'qestion' } }),
      'encode.dense reads column "qestion" (Utf8), which "questions" does not give | did you mean "question"? "questions" gives question_id, question, answers',
    ],
    [
      withStep(answer(), 'hits', { from: ['sparse', 'vectors'] }),
      'merge.hits reads columns "unit_id" (Utf8) and "score" (Float32), which "vectors" does not give | "dense" gives them; "vectors" gives question_id, question, answers, vector',
    ],
    [
      withStep(answer(), 'vectors', { with: { model: 'm', column: 'question', dims: 768 } }),
      'search.dense reads vectors of 384 numbers in column "vector", but "vectors" gives 768 | vectors that are compared come from one model',
    ],
    [
      withStep(both(), 'questions', { after: undefined }),
      'with.index: "index" of this pipeline writes "indexes/dev", so it would be read before it is there | say after: "index"',
    ],
    [withStep(indexWiki(), 'split', { from: 'encode' }), 'from: rows would go round: split → encode → split'],
    [
      withStep(both(), 'clean', { with: { drop: ['doc_id'] } }),
      'its rows are named by column "doc_id", which select does not let through | keep it',
    ],
    [
      { ...indexWiki(), memory: '1 MiB' },
      'memory: 1 MiB is too little: these steps need 2.4 MiB at the least | say memory: "3 MiB"',
    ],
  ])('%#', async (definition, text) => {
    expect(await message(definition)).toEqual([text]);
  });
});

describe('one problem, one error', () => {
  it('says nothing of columns below a step whose parameters are wrong', async () => {
    const p = withStep(indexWiki(), 'split', { with: { word: 1 } });
    expect(await codes(withStep(p, 'encode', { with: { model: 'x', column: 'nothing' } }))).toEqual([
      'unknown-parameter',
    ]);
  });

  it('says once that a column is missing, however many read it', async () => {
    const steps = [
      { id: 'docs', op: 'read.jsonl', with: { path: 'a', text: 'body' } },
      { id: 'first', op: 'encode.dense', with: { model: 'm', fixed: 0 } },
      { id: 'second', op: 'dedupe.exact' },
      { id: 'third', op: 'split.passages' },
      { id: 'out', op: 'index.sparse', with: { path: 'i' } },
    ];
    const { problems } = await check({ name: 'p', steps }, { operators, root });
    expect(problems.map(p => [p.code, p.path])).toEqual([['missing-column', ['steps', 1]]]);
  });

  it('gives all problems of different causes at once, in the order of the steps', async () => {
    const p = withStep(indexWiki(), 'dense', { op: 'index.dens' });
    const q = withStep(withStep(p, 'docs', { with: {} }), 'encode', { parallel: 0 });
    expect(await codes({ ...q, memory: 'x' })).toEqual([
      'bad-size',
      'missing-parameter',
      'bad-value',
      'unknown-operator',
    ]);
  });
});

describe('own operators', () => {
  const mine = operator({
    name: 'my.upper',
    version: 1,
    shape: 'map',
    rows: 'same',
    summary: 'Upper case.',
    params: z.strictObject({ column: z.string().default('text').describe('column') }),
    reads: p => ({ [p.column]: utf8() }),
    writes: p => ({ [p.column]: utf8() }),
    examples: [],
    open: () => {
      throw new Error('never');
    },
  });
  const p = indexWiki();
  const steps = [p.steps[0], { id: 'upper', op: 'my.upper' }, ...p.steps.slice(1)];

  it('are found beside the built-in ones, and checked like them', async () => {
    expect(await codes({ ...p, operators: [mine], steps })).toEqual([]);
    expect(await codes({ ...p, steps })).toEqual(['unknown-operator']);
    const wrong = steps.map(s => (s.id === 'upper' ? { ...s, with: { colum: 'text' } } : s));
    expect(await codes({ ...p, operators: [mine], steps: wrong })).toEqual(['unknown-parameter']);
  });

  it('must not take the name of a built-in one, nor of another', async () => {
    const clash = { ...mine, name: 'split.passages' };
    expect(await codes({ ...p, operators: [clash] })).toEqual(['operator-clash']);
    expect(await codes({ ...p, operators: [mine, { ...mine }] })).toEqual(['operator-clash']);
  });

  it('that throw while they are checked are a problem, not a crash', async () => {
    const broken = { ...mine, name: 'my.broken', reads: () => JSON.parse('{') };
    const s = steps.map(x => (x.id === 'upper' ? { ...x, op: 'my.broken' } : x));
    const { problems } = await check({ ...p, operators: [broken], steps: s }, { operators, root });
    expect(problems.map(x => [x.code, x.path])).toEqual([['operator-failed', ['steps', 1]]]);
    const refusing = {
      ...mine,
      name: 'my.refusing',
      writes: () => {
        throw new UserError('no model for this', { help: 'take another' });
      },
    };
    const t = steps.map(x => (x.id === 'upper' ? { ...x, op: 'my.refusing' } : x));
    const result = await check({ ...p, operators: [refusing], steps: t }, { operators, root });
    expect(result.problems.map(x => [x.code, x.message, x.help])).toEqual([
      ['operator-refuses', 'no model for this', 'take another'],
    ]);
  });
});

describe('files that are not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-check-'));
  beforeAll(() => writeFileSync(join(folder, 'there.jsonl'), ''));
  afterAll(() => rmSync(folder, { recursive: true }));
  const p = (path: string, column = 'text') => {
    const q = withStep(indexWiki(), 'docs', { with: { path, mustExist: true } });
    return withStep(q, 'encode', { with: { model: 'm', column } });
  };

  it('are a warning in check and an error in run, and columns below are not guessed at', async () => {
    const missing = await check(p('gone.jsonl', 'no-such-column'), { operators, root: folder });
    expect(missing.problems).toMatchObject([
      { severity: 'warning', code: 'missing-source', path: ['steps', 0, 'with', 'path'] },
    ]);
    expect(missing.problems[0].message).toBe('there is no file gone.jsonl');
    const run = await check(p('gone.jsonl'), { operators, root: folder, mode: 'run' });
    expect(run.problems.map(x => [x.severity, x.code])).toEqual([['error', 'missing-source']]);
    expect(run.plan).toBeUndefined();
  });

  it('are looked for from the root', async () => {
    const { plan, problems } = await check(p('there.jsonl'), { operators, root: folder, mode: 'run' });
    expect(problems).toEqual([]);
    expect(plan?.root).toBe(folder);
  });

  const picky = operator({
    name: 'read.picky',
    version: 1,
    shape: 'source',
    summary: 'Refuses what it finds.',
    params: z.strictObject({ path: z.string().describe('file').meta(readsPath()) }),
    columns: () => {
      throw new UserError('its head is not right');
    },
    key: () => [],
    examples: [],
    open: () => {
      throw new Error('never');
    },
  });

  it('is an error in check too where the file is there and wrong', async () => {
    const q = withStep(indexWiki(), 'docs', { op: 'read.picky', with: { path: 'there.jsonl' } });
    const { problems } = await check({ ...q, operators: [picky] }, { operators, root: folder });
    expect(problems.map(x => [x.severity, x.code, x.message])).toEqual([
      ['error', 'operator-refuses', 'its head is not right'],
    ]);
  });

  it('a file that an earlier flow writes has the columns of that flow', async () => {
    const steps = [
      { id: 'in', op: 'read.squad', with: { path: 'a', take: 'contexts' } },
      { id: 'write', op: 'write.jsonl', with: { path: 'made.jsonl' } },
      { id: 'again', op: 'read.jsonl', after: 'write', with: { path: 'made.jsonl', mustExist: true } },
      { id: 'split', op: 'split.passages' },
      { id: 'index', op: 'index.sparse', with: { path: 'i' } },
    ];
    const { plan, problems } = await check({ name: 'two', steps }, { operators, root: folder, mode: 'run' });
    expect(problems).toEqual([]);
    expect(Object.keys(plan?.flows[1].steps[0].output ?? {})).toEqual(['doc_id', 'title', 'text']);
  });

  it('assets: a warning in check, an error in run', async () => {
    const q = withStep(indexWiki(), 'encode', { with: { model: 'm', asset: 'stop.txt' } });
    const checked = await check(q, { operators, root: folder });
    expect(checked.problems.map(x => [x.severity, x.code])).toEqual([['warning', 'missing-file']]);
    expect(checked.plan?.warnings).toEqual(checked.problems);
    const run = await check(q, { operators, root: folder, mode: 'run' });
    expect(run.problems.map(x => [x.severity, x.code])).toEqual([['error', 'missing-file']]);
  });
});

describe('the plan', () => {
  it('knows columns, keys, wiring and order of every step', async () => {
    const { plan } = await check(both(), { operators, root });
    expect(plan?.flows.map(f => f.steps.map(s => s.id))).toEqual([
      ['contexts', 'clean', 'dedupe', 'split', 'index'],
      ['questions', 'buffer', 'search', 'report'],
    ]);
    const steps = Object.fromEntries(plan?.flows.flatMap(f => f.steps.map(s => [s.id, s])) ?? []);
    expect(Object.keys(steps.clean.output)).toEqual(['doc_id', 'text']);
    expect(steps.clean.passes).toEqual({ doc_id: 'doc_id', text: 'text' });
    // split writes text anew, so it does not pass.
    expect(steps.split.passes).toEqual({ doc_id: 'doc_id' });
    expect(Object.keys(steps.split.output)).toEqual(['doc_id', 'text', 'unit_id', 'start', 'end']);
    expect([steps.contexts.key, steps.split.key, steps.search.key]).toEqual([
      ['doc_id'],
      ['unit_id'],
      ['question_id', 'rank'],
    ]);
    expect(steps.search.inputKeys).toEqual([['question_id']]);
    expect(steps.index.output).toEqual({});
    expect(steps.report.batchBy).toEqual(['question_id']);
    expect(steps.report.batch).toEqual({ lingerMs: 50 });
    expect(steps.questions.after).toEqual(['index']);
    expect(steps.questions.to).toEqual(['buffer']);
    // The evaluation wants to know of questions without hits; nobody does of documents.
    expect([steps.search.wantsGone, steps.dedupe.wantsGone]).toEqual([true, false]);
  });

  it('runs flows in the order that after says, else as written', async () => {
    const p = both();
    const turned = { ...p, steps: [...p.steps.slice(5), ...p.steps.slice(0, 5)] };
    const { plan, problems } = await check(turned, { operators, root });
    expect(problems).toEqual([]);
    expect(plan?.flows.map(f => f.steps[0].id)).toEqual(['contexts', 'questions']);
  });

  it('warns where a folder that is read is also written into', async () => {
    const p = withStep(indexWiki(), 'docs', { with: { path: 'indexes' } });
    const { plan, problems } = await check(p, { operators, root });
    expect(problems.map(x => [x.severity, x.code])).toEqual([['warning', 'reads-own-folder']]);
    expect(plan).toBeDefined();
    expect(formatProblems(problems)).toMatch(/^warning index-wiki > steps\[0\] "docs"\n {7}with\.path: /);
  });

  it('does not change the definition', async () => {
    const p = both();
    const before = JSON.stringify(p);
    await check(p, { operators, root });
    expect(JSON.stringify(p)).toBe(before);
  });

  it('a step whose rows nobody takes is fine where that is said', async () => {
    const p = { ...indexWiki(), steps: indexWiki().steps.slice(0, 2) };
    expect(await codes(p)).toEqual(['unread-output']);
    const { plan } = await check(p, { operators, root, open: ['split'], limit: 5 });
    expect(plan?.flows[0].steps.map(s => [s.open, s.limit])).toEqual([
      [undefined, 5],
      [true, undefined],
    ]);
  });
});
