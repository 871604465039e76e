import { describe, expect, it } from 'vitest';
import { type Pipeline, UserError } from '../../src/define/index.ts';
import { check, sweep } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { answer, both, step } from './pipelines.ts';

const root = '/nowhere';
const ids = (p: Pipeline) => p.steps.map(s => s.id);
const refusal = (sweeps: string[]): string => {
  try {
    sweep(answer(), sweeps, { operators });
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, help } = error as UserError;
    return help === undefined ? message : `${message} | ${help}`;
  }
  throw new Error('nothing was refused');
};

describe('--sweep', () => {
  it('clones the step and what depends on it, and shares what lies above', async () => {
    const { definition, variants, origin } = sweep(answer(), ['steps.sparse.with.k=10,100'], { operators });
    expect(ids(definition)).toEqual([
      'questions',
      'sparse@k=10',
      'sparse@k=100',
      'vectors',
      'dense',
      'hits@k=10',
      'hits@k=100',
      'retrieval@k=10',
      'retrieval@k=100',
      'out@k=10',
      'out@k=100',
    ]);
    expect(origin).toEqual([0, 1, 1, 2, 3, 4, 4, 5, 5, 6, 6]);
    expect(step(definition, 'sparse@k=100')).toMatchObject({
      from: 'questions',
      with: { k: 100, index: 'indexes/wiki/sparse' },
    });
    expect(step(definition, 'hits@k=10').from).toEqual(['sparse@k=10', 'dense']);
    expect(step(definition, 'out@k=10').with).toEqual({ path: 'out/hits@k=10.jsonl' });
    expect(variants).toEqual([
      {
        label: 'k=10',
        suffix: '@k=10',
        values: { 'steps.sparse.with.k': 10 },
        steps: ['questions', 'sparse@k=10', 'vectors', 'dense', 'hits@k=10', 'retrieval@k=10', 'out@k=10'],
        reports: ['retrieval@k=10'],
      },
      expect.objectContaining({ label: 'k=100', reports: ['retrieval@k=100'] }),
    ]);
    const { plan, problems } = await check(definition, { operators, root, origin });
    expect(problems).toEqual([]);
    expect(plan?.flows).toHaveLength(1);
  });

  it('several give every combination; a step has those it depends on', async () => {
    const { definition, variants } = sweep(
      answer(),
      ['steps.sparse.with.similarity.b=0.4,0.75', 'steps.hits.with.method=rrf,minmax'],
      { operators },
    );
    expect(variants.map(v => v.label)).toEqual([
      'b=0.4, method=rrf',
      'b=0.4, method=minmax',
      'b=0.75, method=rrf',
      'b=0.75, method=minmax',
    ]);
    expect(ids(definition).filter(id => id.startsWith('sparse'))).toEqual(['sparse@b=0.4', 'sparse@b=0.75']);
    expect(step(definition, 'hits@b=0.75,method=rrf')).toMatchObject({
      from: ['sparse@b=0.75', 'dense'],
      with: { method: 'rrf', k: 20 },
    });
    expect((await check(definition, { operators, root })).problems).toEqual([]);
  });

  it('two parameters of one name carry their steps', () => {
    const { variants } = sweep(answer(), ['steps.sparse.with.k=1,2', 'steps.dense.with.k=3,4'], {
      operators,
    });
    expect(variants[0].suffix).toBe('@sparse.k=1,dense.k=3');
  });

  it('a list in brackets is one value, so is an object', () => {
    const lists = sweep(answer(), ['steps.retrieval.with.k=[1,5],[1,10]'], { operators });
    expect(lists.definition.steps.filter(s => s.id.startsWith('retrieval')).map(s => s.with)).toEqual([
      { k: [1, 5] },
      { k: [1, 10] },
    ]);
    const objects = sweep(
      answer(),
      ['steps.sparse.with.similarity={"name":"lucene","b":0.5},{"name":"dirichlet","mu":10}'],
      { operators },
    );
    expect(objects.variants.map(v => v.values['steps.sparse.with.similarity'])).toEqual([
      { name: 'lucene', b: 0.5 },
      { name: 'dirichlet', mu: 10 },
    ]);
  });

  it('follows an index from the flow that builds it to the flow that searches it', async () => {
    const { definition } = sweep(both(), ['steps.split.with.words=50,100'], { operators });
    expect(ids(definition)).toEqual([
      'contexts',
      'clean',
      'dedupe',
      'split@words=50',
      'split@words=100',
      'index@words=50',
      'index@words=100',
      'questions@words=50',
      'questions@words=100',
      'buffer@words=50',
      'buffer@words=100',
      'search@words=50',
      'search@words=100',
      'report@words=50',
      'report@words=100',
    ]);
    expect(step(definition, 'index@words=50').with).toEqual({ path: 'indexes/dev@words=50' });
    expect(step(definition, 'questions@words=50')).toMatchObject({ after: ['index@words=50'] });
    expect(step(definition, 'search@words=50').with).toMatchObject({ index: 'indexes/dev@words=50' });
    const { plan, problems } = await check(definition, { operators, root });
    expect(problems).toEqual([]);
    expect(plan?.flows.map(f => f.steps[0].id)).toEqual([
      'contexts',
      'questions@words=50',
      'questions@words=100',
    ]);
  });

  it('values with slashes and blanks make ids that are allowed, and different ones', async () => {
    const { definition, variants } = sweep(answer(), ['steps.vectors.with.model=a/b,a b,a_b'], { operators });
    expect(new Set(ids(definition)).size).toBe(definition.steps.length);
    expect(variants.map(v => v.label)).toEqual(['model=a/b', 'model=a b', 'model=a_b']);
    expect((await check(definition, { operators, root })).problems).toEqual([]);
  });

  it('does not change the definition', () => {
    const p = answer();
    const before = JSON.stringify(p);
    sweep(p, ['steps.sparse.with.similarity.b=0.4,0.75'], { operators });
    expect(JSON.stringify(p)).toBe(before);
  });

  it.each([
    [
      ['steps.sparse.with.k=10'],
      /wanted two values or more with commas between \| a list in brackets is one value/,
    ],
    [['steps.sparse.with.k=[1,2]'], /wanted two values or more/],
    [['steps.sparse.with.k=1,1'], /a value stands there twice/],
    [['steps.sparse.with.k=1,,2'], /wanted two values or more/],
    [['steps.sparse.parallel=1,2'], /wanted a parameter of a step: steps\.ID\.with\.NAME=a,b/],
    [['memory=1,2'], /wanted a parameter of a step/],
    [['steps.spars.with.k=1,2'], /there is no step "spars" \| did you mean "sparse"\?/],
    [['steps.sparse.with.k=1,2', 'steps.sparse.with.k=3,4'], /steps\.sparse\.with\.k is swept twice/],
    [
      ['steps.sparse.with.k=1,2,3,4,5,6,7,8,9', 'steps.dense.with.k=1,2,3,4,5,6,7,8'],
      /^--sweep: 9 × 8 = 72 variants, at most 64 run at once \| sweep fewer values/,
    ],
  ])('refuses %j', (sweeps, said) => {
    expect(refusal(sweeps)).toMatch(said);
  });
});
