/** Ways to make a right pipeline wrong, each with the one problem it must give. */
import type { AnyStep, Pipeline } from '../../src/define/index.ts';
import { pipelines, step, withStep } from './pipelines.ts';

export interface Mutation {
  readonly title: string;
  readonly definition: unknown;
  readonly code: string;
  readonly path: readonly (string | number)[];
}

type Loose = Record<string, unknown>;

/** Changes that may be made to any step. */
const anywhere: { title: string; change: Loose; code: string; at: readonly (string | number)[] }[] = [
  { title: 'a misspelled key', change: { paralel: 2 }, code: 'unknown-key', at: ['paralel'] },
  { title: 'a key of nothing', change: { colour: 'red' }, code: 'unknown-key', at: ['colour'] },
  { title: 'parallel 0', change: { parallel: 0 }, code: 'bad-value', at: ['parallel'] },
  { title: 'parallel 1.5', change: { parallel: 1.5 }, code: 'bad-value', at: ['parallel'] },
  { title: 'parallel text', change: { parallel: 'two' }, code: 'bad-value', at: ['parallel'] },
  { title: 'parallel 1000', change: { parallel: 1000 }, code: 'bad-value', at: ['parallel'] },
  { title: 'where', change: { where: 'workers', parallel: 1 }, code: 'bad-value', at: ['where'] },
  { title: 'order', change: { order: 'kept' }, code: 'bad-value', at: ['order'] },
  { title: 'onError', change: { onError: 'ignore' }, code: 'bad-value', at: ['onError'] },
  { title: 'memory text', change: { memory: 'lots' }, code: 'bad-size', at: ['memory'] },
  { title: 'memory below 0', change: { memory: -5 }, code: 'bad-size', at: ['memory'] },
  { title: 'memory true', change: { memory: true }, code: 'bad-size', at: ['memory'] },
  { title: 'too little memory', change: { memory: 1000 }, code: 'memory-too-small', at: ['memory'] },
  {
    title: 'too much memory',
    change: { memory: '3 GiB' },
    code: 'memory-too-small',
    at: ['..', '..', 'memory'],
  },
  { title: 'batch a number', change: { batch: 5 }, code: 'bad-value', at: ['batch'] },
  { title: 'batch.rows 0', change: { batch: { rows: 0 } }, code: 'bad-value', at: ['batch', 'rows'] },
  { title: 'batch.bytes', change: { batch: { bytes: '4 MiX' } }, code: 'bad-size', at: ['batch', 'bytes'] },
  { title: 'batch.linger', change: { batch: { linger: 'soon' } }, code: 'bad-time', at: ['batch', 'linger'] },
  { title: 'batch.rowz', change: { batch: { rowz: 5 } }, code: 'unknown-key', at: ['batch', 'rowz'] },
  { title: 'no operator', change: { op: undefined }, code: 'missing-operator', at: ['op'] },
  { title: 'operator 5', change: { op: 5 }, code: 'unknown-operator', at: ['op'] },
  { title: 'operator of no family', change: { op: 'xyzzy' }, code: 'unknown-operator', at: ['op'] },
  { title: 'with text', change: { with: 'words' }, code: 'bad-parameters', at: ['with'] },
  { title: 'with a list', change: { with: [] }, code: 'bad-parameters', at: ['with'] },
  { title: 'after nothing', change: { after: 'xyzzy' }, code: 'unknown-step', at: ['after'] },
  { title: 'after a number', change: { after: [3] }, code: 'bad-reference', at: ['after', 0] },
  { title: 'no id', change: { id: undefined }, code: 'missing-id', at: ['id'] },
];

const isSource = (s: AnyStep): boolean => s.op.startsWith('read.');
const isNamed = (p: Pipeline, id: string): boolean =>
  p.steps.some(s => [s.from, s.after].flat().some(name => name === id));

function* everyStep(name: string, pipeline: Pipeline): Generator<Mutation> {
  for (const [index, s] of pipeline.steps.entries()) {
    const at = ['steps', index];
    const make = (
      title: string,
      change: Loose,
      code: string,
      path: readonly (string | number)[],
    ): Mutation => ({
      title: `${name} ${s.id}: ${title}`,
      definition: withStep(pipeline, s.id, change as Partial<AnyStep>),
      code,
      path: path[0] === '..' ? path.slice(2) : [...at, ...path],
    });
    for (const m of anywhere) yield make(m.title, m.change, m.code, m.at);
    yield make(
      'a slip in the operator',
      { op: `${s.op.slice(0, -2)}${s.op.at(-1)}${s.op.at(-2)}` },
      'unknown-operator',
      ['op'],
    );
    yield make('a parameter nobody knows', { with: { ...s.with, xyzzy: 1 } }, 'unknown-parameter', [
      'with',
      'xyzzy',
    ]);
    yield make('a parameter of NaN', { with: { ...s.with, k: Number.NaN } }, 'not-json', ['with', 'k']);
    yield make('a function as parameter', { with: { ...s.with, k: () => 1 } }, 'not-json', ['with', 'k']);
    for (const [key, value] of Object.entries(s.with ?? {})) {
      const isChoice = ['take', 'analyzer', 'method'].includes(key);
      const wrong = { with: { ...s.with, [key]: typeof value === 'object' ? 7 : { odd: 1 } } };
      yield make(`${key} of another type`, wrong, isChoice ? 'parameter-value' : 'parameter-type', [
        'with',
        key,
      ]);
    }
    if (isSource(s)) {
      const other = pipeline.steps.find(o => o.id !== s.id && isSource(o)) ?? pipeline.steps[1];
      if (other.id !== s.id) yield make('from', { from: other.id }, 'source-with-from', ['from']);
    } else {
      yield make('from itself', { from: s.id }, 'cycle', ['from']);
      yield make('from nothing', { from: 'xyzzy' }, 'unknown-step', ['from']);
      yield make('from a number', { from: 7 }, 'bad-reference', ['from']);
      yield make('from a list with nothing', { from: ['xyzzy'] }, 'unknown-step', ['from', 0]);
    }
    if (!isNamed(pipeline, s.id)) {
      yield make('an id with blanks', { id: 'two words' }, 'bad-id', ['id']);
      yield make('an id that is a number', { id: 7 }, 'bad-id', ['id']);
      if (index > 0) yield make('an id that is there', { id: pipeline.steps[0].id }, 'duplicate-id', ['id']);
    }
    const steps: unknown[] = [...pipeline.steps];
    steps[index] = 'read.jsonl';
    yield {
      title: `${name} ${s.id}: text`,
      definition: { ...pipeline, steps },
      code: 'not-a-step',
      path: at,
    };
  }
}

/** Changes to one step of one pipeline: parameters, columns, wiring, paths. */
const particular: [keyof typeof pipelines, string, Loose, string, readonly (string | number)[]][] = [
  ['indexWiki', 'docs', { with: { pth: 'a' } }, 'unknown-parameter', ['with', 'pth']],
  ['indexWiki', 'docs', { with: {} }, 'missing-parameter', ['with', 'path']],
  ['indexWiki', 'docs', { with: { path: '' } }, 'parameter-range', ['with', 'path']],
  ['indexWiki', 'docs', { with: { path: null } }, 'parameter-type', ['with', 'path']],
  ['indexWiki', 'docs', { with: { path: 'a', text: 'body' } }, 'missing-column', ['..', '..', 'steps', 1]],
  ['indexWiki', 'docs', { with: { path: 'a', large: true } }, 'column-type', ['..', '..', 'steps', 1]],
  ['indexWiki', 'docs', { with: { path: 'indexes/wiki/dense' } }, 'reads-own-output', ['with', 'path']],
  ['indexWiki', 'docs', { with: { path: 'indexes/wiki/*' } }, 'reads-own-output', ['with', 'path']],
  ['indexWiki', 'docs', { with: { path: 'indexes/**/{dense,late}' } }, 'reads-own-output', ['with', 'path']],
  [
    'indexWiki',
    'docs',
    { with: { path: './indexes/../indexes/wiki/sparse/x' } },
    'reads-own-output',
    ['with', 'path'],
  ],
  ['indexWiki', 'docs', { op: 'read.jsnol' }, 'unknown-operator', ['op']],
  ['indexWiki', 'docs', { op: 'split.passages', with: {} }, 'no-input', []],
  ['indexWiki', 'split', { with: { words: 0 } }, 'parameter-range', ['with', 'words']],
  ['indexWiki', 'split', { with: { words: 1.5 } }, 'parameter-type', ['with', 'words']],
  ['indexWiki', 'split', { with: { words: '100' } }, 'parameter-type', ['with', 'words']],
  ['indexWiki', 'split', { with: { words: 10, stride: 10 } }, 'parameter-check', ['with', 'stride']],
  ['indexWiki', 'split', { with: { words: 10, stride: -1 } }, 'parameter-range', ['with', 'stride']],
  ['indexWiki', 'split', { with: { parallel: 2 } }, 'unknown-parameter', ['with', 'parallel']],
  ['indexWiki', 'split', { words: 100 }, 'unknown-key', ['words']],
  ['indexWiki', 'split', { wth: {} }, 'unknown-key', ['wth']],
  ['indexWiki', 'split', { from: 'encode' }, 'cycle', ['from']],
  ['indexWiki', 'split', { from: ['docs', 'docs'] }, 'duplicate-input', ['from']],
  ['indexWiki', 'split', { batch: { tokens: 100 } }, 'no-tokens', ['batch', 'tokens']],
  ['indexWiki', 'sparse', { from: 'docs' }, 'missing-column', []],
  [
    'indexWiki',
    'sparse',
    { with: { path: 'a', analyzer: 'koraen' } },
    'parameter-value',
    ['with', 'analyzer'],
  ],
  [
    'indexWiki',
    'sparse',
    { with: { path: 'indexes/wiki/dense' } },
    'path-written-twice',
    ['..', '..', 'steps', 4, 'with', 'path'],
  ],
  ['indexWiki', 'sparse', { where: 'worker', parallel: 2 }, 'parallel-state', ['parallel']],
  ['indexWiki', 'sparse', { parallel: 2 }, 'parallel-main', ['parallel']],
  ['answer', 'hits', { where: 'worker' }, 'main-thread', ['where']],
  ['indexWiki', 'sparse', { op: 'merge.hits', with: {} }, 'input-count', []],
  ['indexWiki', 'sparse', { after: 'dense' }, 'after-own-flow', ['after']],
  ['indexWiki', 'sparse', { after: 'split' }, 'after-no-sink', ['after']],
  ['indexWiki', 'encode', { from: undefined }, 'after-sink', []],
  ['indexWiki', 'encode', { from: 'sparse' }, 'from-sink', ['from']],
  ['indexWiki', 'encode', { from: 'spilt' }, 'unknown-step', ['from']],
  ['indexWiki', 'encode', { from: ['split', 'docs'] }, 'input-count', ['from']],
  ['indexWiki', 'encode', { from: undefined, form: 'split' }, 'unknown-key', ['form']],
  ['indexWiki', 'encode', { with: { modle: 'default' } }, 'unknown-parameter', ['with', 'modle']],
  [
    'indexWiki',
    'encode',
    { with: { model: 'default', column: 'body' } },
    'missing-column',
    ['with', 'column'],
  ],
  ['indexWiki', 'encode', { with: { model: 'default', column: 'start' } }, 'column-type', ['with', 'column']],
  ['indexWiki', 'encode', { with: { model: 'default', dims: 5000 } }, 'parameter-range', ['with', 'dims']],
  [
    'indexWiki',
    'encode',
    { with: { model: 'default', fixed: 4e9 } },
    'memory-too-small',
    ['..', '..', 'memory'],
  ],
  [
    'indexWiki',
    'encode',
    { with: { model: 'default', fixed: 1e9 }, memory: '10 MiB' },
    'memory-too-small',
    ['memory'],
  ],
  ['indexWiki', 'dense', { from: 'split' }, 'missing-column', []],
  ['indexWiki', 'dense', { with: { path: 'indexes/wiki/sparse' } }, 'path-written-twice', ['with', 'path']],
  ['indexWiki', 'dense', { with: { path: ['a', 'b'] } }, 'parameter-type', ['with', 'path']],
  ['answer', 'questions', { with: { path: 'a', take: 'question' } }, 'parameter-value', ['with', 'take']],
  ['answer', 'questions', { with: { path: 'out/hits.jsonl' } }, 'reads-own-output', ['with', 'path']],
  [
    'answer',
    'sparse',
    { with: { index: 'i', similarity: { name: 'lucne' } } },
    'parameter-value',
    ['with', 'similarity', 'name'],
  ],
  [
    'answer',
    'sparse',
    { with: { index: 'i', similarity: { name: 'lucene', k2: 1 } } },
    'unknown-parameter',
    ['with', 'similarity', 'k2'],
  ],
  [
    'answer',
    'sparse',
    { with: { index: 'i', similarity: { name: 'lucene', b: 2 } } },
    'parameter-range',
    ['with', 'similarity', 'b'],
  ],
  [
    'answer',
    'sparse',
    { with: { index: 'i', similarity: { k1: 1 } } },
    'missing-parameter',
    ['with', 'similarity', 'name'],
  ],
  ['answer', 'sparse', { with: { index: 'i', weights: true } }, 'parameter-type', ['with', 'weights']],
  ['answer', 'sparse', { with: { index: 'i', weights: [1, 'x'] } }, 'parameter-type', ['with', 'weights', 1]],
  ['answer', 'sparse', { from: 'hits' }, 'cycle', ['from']],
  ['answer', 'vectors', { with: { model: 'm', column: 'qestion' } }, 'missing-column', ['with', 'column']],
  ['answer', 'vectors', { with: { model: 'm', column: 'answers' } }, 'column-type', ['with', 'column']],
  [
    'answer',
    'vectors',
    { with: { model: 'm', column: 'question', dims: 768 } },
    'vector-dimension',
    ['..', '..', 'steps', 3],
  ],
  ['answer', 'vectors', { with: { model: 'm' } }, 'missing-column', []],
  ['answer', 'dense', { from: 'questions' }, 'missing-column', []],
  ['answer', 'dense', { with: { index: 'i', dims: 100 } }, 'vector-dimension', []],
  ['answer', 'hits', { from: ['sparse'] }, 'input-count', ['from']],
  ['answer', 'hits', { from: ['sparse', 'vectors'] }, 'missing-column', []],
  ['answer', 'hits', { from: ['sparse', 'dnese'] }, 'unknown-step', ['from', 1]],
  ['answer', 'hits', { from: ['sparse', 'dense', 'retrieval'] }, 'from-sink', ['from']],
  ['answer', 'hits', { with: { method: 'rff' } }, 'parameter-value', ['with', 'method']],
  ['answer', 'retrieval', { with: { k: [1, 0] } }, 'parameter-range', ['with', 'k', 1]],
  ['answer', 'retrieval', { with: { k: [1, 'x'] } }, 'parameter-type', ['with', 'k', 1]],
  ['answer', 'retrieval', { with: { k: 5 } }, 'parameter-type', ['with', 'k']],
  ['answer', 'retrieval', { from: 'questions' }, 'missing-column', []],
  ['both', 'clean', { with: { drop: ['body'] } }, 'missing-column', ['with', 'drop', 0]],
  [
    'both',
    'clean',
    { with: { drop: ['text'] } },
    'missing-column',
    ['..', '..', 'steps', 2, 'with', 'column'],
  ],
  ['both', 'clean', { with: { drop: ['doc_id'] } }, 'missing-key', []],
  ['both', 'clean', { with: { rename: { text: 5 } } }, 'parameter-type', ['with', 'rename', 'text']],
  ['both', 'dedupe', { where: 'worker', parallel: 3 }, 'parallel-state', ['parallel']],
  ['both', 'dedupe', { with: { column: 'txet' } }, 'missing-column', ['with', 'column']],
  [
    'both',
    'index',
    { with: { path: 'data/dev.json' } },
    'reads-own-output',
    ['..', '..', 'steps', 0, 'with', 'path'],
  ],
  ['both', 'questions', { after: undefined }, 'reads-own-output', ['..', '..', 'steps', 7, 'with', 'index']],
  ['both', 'questions', { after: undefined, aftr: 'index' }, 'unknown-key', ['aftr']],
  ['both', 'questions', { after: 'split' }, 'after-no-sink', ['after']],
  ['both', 'questions', { after: 'report' }, 'after-own-flow', ['after']],
  ['both', 'contexts', { after: 'report' }, 'after-cycle', ['after']],
  ['both', 'search', { with: { index: 'indexes/dev', k: 0 } }, 'parameter-range', ['with', 'k']],
  ['both', 'buffer', { op: 'rx.bufer' }, 'unknown-operator', ['op']],
];

function* ofPipelines(): Generator<Mutation> {
  for (const [name, make] of Object.entries(pipelines)) {
    const p = make();
    const whole = (
      title: string,
      change: Loose,
      code: string,
      path: readonly (string | number)[],
    ): Mutation => ({
      title: `${name}: ${title}`,
      definition: { ...p, ...change },
      code,
      path,
    });
    yield whole('no name', { name: undefined }, 'missing-name', ['name']);
    yield whole('a misspelled name', { name: undefined, nmae: 'x' }, 'unknown-key', ['nmae']);
    yield whole('a name of 5', { name: 5 }, 'bad-name', ['name']);
    yield whole('a name with a slash', { name: 'a/b' }, 'bad-name', ['name']);
    yield whole('an empty name', { name: ' ' }, 'bad-name', ['name']);
    yield whole('no steps', { steps: [] }, 'no-steps', ['steps']);
    yield whole('steps missing', { steps: undefined }, 'no-steps', ['steps']);
    yield whole('stepz', { steps: undefined, stepz: [] }, 'unknown-key', ['stepz']);
    yield whole('steps an object', { steps: { a: 1 } }, 'no-steps', ['steps']);
    yield whole('a key of nothing', { colour: 'red' }, 'unknown-key', ['colour']);
    yield whole('a description of 5', { description: 5 }, 'bad-value', ['description']);
    yield whole('memory in words', { memory: 'all' }, 'bad-size', ['memory']);
    yield whole('memory a list', { memory: [] }, 'bad-size', ['memory']);
    yield whole('too little memory', { memory: '100 KiB' }, 'memory-too-small', ['memory']);
    yield whole('operators of 5', { operators: 5 }, 'bad-operator', ['operators']);
    yield whole('an operator by file', { operators: ['./x.ts'] }, 'bad-operator', ['operators', 0]);
    const reader = { ...step(p, p.steps[0].id), id: 'lonely' };
    yield whole('an output nobody takes', { steps: [...p.steps, reader] }, 'unread-output', [
      'steps',
      p.steps.length,
    ]);
    yield whole(
      'a step after a sink',
      { steps: [...p.steps, { id: 'more', op: 'write.jsonl', with: { path: 'elsewhere' } }] },
      'after-sink',
      ['steps', p.steps.length],
    );
  }
}

export function mutations(): Mutation[] {
  const out: Mutation[] = [];
  for (const [name, make] of Object.entries(pipelines)) out.push(...everyStep(name, make()));
  for (const [name, id, change, code, path] of particular) {
    const p = pipelines[name]();
    const index = p.steps.findIndex(s => s.id === id);
    out.push({
      title: `${name} ${id}: ${JSON.stringify(change)}`,
      definition: withStep(p, id, change as Partial<AnyStep>),
      code,
      path: path[0] === '..' ? path.slice(2) : ['steps', index, ...path],
    });
  }
  out.push(...ofPipelines());
  for (const value of [undefined, null, 5, 'text', true, [], [1], () => 1]) {
    out.push({ title: `no pipeline: ${String(value)}`, definition: value, code: 'not-a-pipeline', path: [] });
  }
  return out;
}
