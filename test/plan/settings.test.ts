import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/define/index.ts';
import { applySettings, check, limitTo } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { answer, both, indexWiki, step } from './pipelines.ts';

const root = '/nowhere';
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, help } = error as UserError;
    return help === undefined ? message : `${message} | ${help}`;
  }
  throw new Error('nothing was refused');
};

describe('--set', () => {
  it('puts values at paths, by id or index, as JSON or text, and leaves the definition as it was', () => {
    const p = answer();
    const before = JSON.stringify(p);
    const q = applySettings(p, [
      'steps.vectors.with.model=hf:org/name',
      'steps.1.with.k=7',
      'steps[3].with.k=8',
      'steps.sparse.with.similarity.b=0.75',
      'steps.retrieval.with.k=[1,2]',
      'steps.retrieval.with.k[1]=9',
      'steps.hits.parallel=2',
      'steps.hits.batch.linger=5ms',
      'memory=4 GiB',
      'steps.out.with.path=a=b.jsonl',
    ]);
    expect(JSON.stringify(p)).toBe(before);
    expect(step(q, 'vectors').with).toEqual({ model: 'hf:org/name', column: 'question' });
    expect(step(q, 'sparse').with).toMatchObject({ k: 7, similarity: { name: 'lucene', k1: 0.9, b: 0.75 } });
    expect(step(q, 'dense').with).toMatchObject({ k: 8 });
    expect(step(q, 'retrieval').with).toEqual({ k: [1, 9] });
    expect(step(q, 'hits')).toMatchObject({ parallel: 2, batch: { linger: '5ms' } });
    expect(step(q, 'out').with).toEqual({ path: 'a=b.jsonl' });
    expect(q.memory).toBe('4 GiB');
  });

  it.each([
    [
      'steps.encod.with.model=x',
      '--set steps.encod.with.model=x: there is no step "encod" | did you mean "encode"?',
    ],
    [
      'steps.9.with.k=1',
      '--set steps.9.with.k=1: there is no step "9" | the steps are docs, split, sparse, encode, dense',
    ],
    [
      'steps.encode.wiht.model=x',
      '--set steps.encode.wiht.model=x: a step has no key "wiht" | did you mean "with"?',
    ],
    [
      'steps.encode.model=x',
      '--set steps.encode.model=x: a step has no key "model" | parameters stand under "with": steps.encode.with.model',
    ],
    [
      'encode.with.model=x',
      '--set encode.with.model=x: a pipeline has no key "encode" | did you mean "steps.encode.with.model"?',
    ],
    ['memry=1', '--set memry=1: a pipeline has no key "memry" | did you mean "memory"?'],
    ['steps.encode=1', '--set steps.encode=1: say what of the step: steps.encode.with.NAME'],
    ['steps=1', '--set steps=1: say which step: steps.ID.with.NAME'],
    [
      'steps.encode.with.model',
      '--set steps.encode.with.model: wanted path=value | for example: --set steps.encode.with.model=default',
    ],
    ['=x', '--set =x: wanted path=value | for example: --set steps.encode.with.model=default'],
    [
      'steps..x=1',
      '--set steps..x=1: wanted path=value | for example: --set steps.encode.with.model=default',
    ],
    [
      'steps.encode.with.model.x=1',
      '--set steps.encode.with.model.x=1: "x" would lie inside of "default", which has no members',
    ],
  ])('refuses %s', (setting, said) => {
    expect(refusal(() => applySettings(indexWiki(), [setting]))).toBe(said);
  });

  it('leaves unknown parameters to check', async () => {
    const q = applySettings(indexWiki(), ['steps.encode.with.modle=x']);
    const { problems } = await check(q, { operators, root });
    expect(problems.map(p => [p.code, p.help])).toEqual([['unknown-parameter', 'did you mean "model"?']]);
  });
});

describe('--from, --stop-after, --limit', () => {
  const cut = async (make: typeof both, options: Parameters<typeof limitTo>[1]) => {
    const { definition, ...rest } = limitTo(make(), { operators, ...options });
    const { plan, problems } = await check(definition, { operators, root, ...rest });
    expect(problems).toEqual([]);
    return plan!.flows.map(f => f.steps);
  };
  const ids = async (make: typeof both, options: Parameters<typeof limitTo>[1]) =>
    (await cut(make, options)).map(flow => flow.map(s => s.id));

  it('nothing asked, nothing changed', () => {
    const p = both();
    expect(limitTo(p, { operators })).toEqual({
      definition: p,
      open: [],
      cut: [],
      origin: [0, 1, 2, 3, 4, 5, 6, 7, 8],
    });
  });

  it('stop-after drops what that step does not need', async () => {
    expect(await ids(indexWiki, { stopAfter: 'encode' })).toEqual([['docs', 'split', 'encode']]);
    expect(await ids(answer, { stopAfter: 'dense' })).toEqual([['questions', 'vectors', 'dense']]);
    expect(await ids(indexWiki, { stopAfter: 'sparse' })).toEqual([['docs', 'split', 'sparse']]);
  });

  it('stop-after keeps the flows that it waits for', async () => {
    expect(await ids(both, { stopAfter: 'search' })).toEqual([
      ['contexts', 'clean', 'dedupe', 'split', 'index'],
      ['questions', 'buffer', 'search'],
    ]);
    expect(await ids(both, { stopAfter: 'split' })).toEqual([['contexts', 'clean', 'dedupe', 'split']]);
  });

  it('from keeps the step, what follows and what feeds those; earlier flows are taken as done', async () => {
    expect(await ids(indexWiki, { from: 'encode' })).toEqual([['docs', 'split', 'encode', 'dense']]);
    expect(await ids(both, { from: 'search' })).toEqual([['questions', 'buffer', 'search', 'report']]);
    expect(await ids(both, { from: 'split' })).toEqual([
      ['contexts', 'clean', 'dedupe', 'split', 'index'],
      ['questions', 'buffer', 'search', 'report'],
    ]);
    expect(await ids(both, { from: 'questions', stopAfter: 'buffer' })).toEqual([['questions', 'buffer']]);
  });

  it('limit reaches the sources only', async () => {
    const [steps] = await cut(indexWiki, { limit: 3, stopAfter: 'split' });
    expect(steps.map(s => [s.id, s.limit, s.open])).toEqual([
      ['docs', 3, undefined],
      ['split', undefined, true],
    ]);
  });

  it('problems keep the places of the whole pipeline', async () => {
    const p = both();
    const wrong = { ...p, steps: p.steps.map(s => (s.id === 'search' ? { ...s, with: { k: 1 } } : s)) };
    const { definition, ...rest } = limitTo(wrong, { operators, from: 'search' });
    const { problems } = await check(definition, { operators, root, ...rest });
    expect(problems.map(x => [x.where, x.path])).toEqual([
      ['steps[7] "search"', ['steps', 7, 'with', 'index']],
    ]);
  });

  it('refuse steps that are not there, or not in that order', () => {
    expect(refusal(() => limitTo(both(), { from: 'serch' }))).toBe(
      '--from: there is no step "serch" | did you mean "search"?',
    );
    expect(refusal(() => limitTo(both(), { stopAfter: 'nothing' }))).toMatch(
      /^--stop-after: there is no step "nothing"/,
    );
    expect(refusal(() => limitTo(indexWiki(), { from: 'encode', stopAfter: 'sparse' }))).toBe(
      '--stop-after: "sparse" does not come after "encode"',
    );
  });
});
