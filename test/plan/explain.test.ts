import { describe, expect, it } from 'vitest';
import type { Pipeline } from '../../src/define/index.ts';
import { check, explain, graph, type Plan } from '../../src/plan/index.ts';
import { operators } from './operators.ts';
import { answer, both, indexWiki, withStep } from './pipelines.ts';

async function planOf(definition: Pipeline): Promise<Plan> {
  const { plan, problems } = await check(definition, { operators, root: '/nowhere' });
  expect(problems).toEqual([]);
  return plan!;
}

describe('explain', () => {
  it('says what each step runs on, as data', async () => {
    const { data } = explain(await planOf(indexWiki()));
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
    expect(data).toMatchObject({ pipeline: 'index-wiki', flows: [{ flow: 'docs' }] });
    const [docs, split, , encode] = data.flows[0].steps;
    expect(docs.output).toEqual({ doc_id: 'Utf8', title: 'Utf8', text: 'Utf8' });
    expect(split).toMatchObject({
      where: 'worker',
      parallel: 2,
      instances: 2,
      key: ['unit_id'],
      from: ['docs'],
    });
    expect(split.with).toEqual({ words: 100, stride: 0, large: false });
    expect(encode.batch).toEqual({ tokens: 8192, lingerMs: 20 });
    expect(encode.output.vector).toBe('FixedSizeList[384]<Float32>');
    expect(encode.channels).toHaveLength(1);
  });

  it('reads in a terminal', async () => {
    const plan = await planOf(indexWiki());
    const { text } = explain(plan);
    const encode = text.slice(text.indexOf('encode  encode.dense'), text.indexOf('dense  index.dense'));
    const lines = encode.trim().split('\n');
    const print = plan.flows[0].steps.find(s => s.id === 'encode')!.fingerprint.slice(0, 12);
    expect(text.split('\n')[0]).toBe('index-wiki: 2 GiB of memory');
    expect(lines).toEqual([
      'encode  encode.dense',
      '  with     model default, column text, dims 384, fixed 0',
      '  from     split, channel of 4 MiB',
      '  reads    text Utf8',
      '  gives    doc_id Utf8, title Utf8, text Utf8, unit_id Utf8, start Int32, end Int32, vector FixedSizeList[384]<Float32>',
      '  key      unit_id',
      '  runs     main thread, batches of 8192 tokens within 20 ms, wrong rows to dead letters',
      expect.stringMatching(/^ {2}memory {3}\d+(\.\d)? MiB$/),
      `  print    ${print}`,
    ]);
    expect(text).toMatch(/\n {2}runs {5}2 workers\n {2}memory {3}\d+(\.\d)? MiB in each of 2 workers\n/);
  });

  it('names flows in their order, and keeps secrets', async () => {
    expect(explain(await planOf(both())).text).toMatch(
      /\nflow 1\n[\s\S]*\nflow 2, after index\nquestions {2}read\.squad/,
    );
    const p = withStep(indexWiki(), 'encode', { with: { model: 'm', token: 'hush' } });
    const told = explain(await planOf(p));
    expect(JSON.stringify(told)).not.toContain('hush');
    expect(told.text).toContain('token (secret)');
  });
});

describe('graph', () => {
  it('mermaid', async () => {
    const p = {
      ...answer(),
      steps: [answer().steps[0], { id: 'out', op: 'write.jsonl', with: { path: 'o' } }],
    };
    expect(graph(await planOf(p), 'mermaid')).toBe(
      [
        'flowchart TD',
        '  s0(["questions<br/>read.squad"])',
        '  s1[("out<br/>write.jsonl")]',
        '  s0 -->|"question_id, question, answers"| s1',
        '',
      ].join('\n'),
    );
  });

  it('dot', async () => {
    const p = {
      ...answer(),
      steps: [answer().steps[0], { id: 'out', op: 'write.jsonl', with: { path: 'o' } }],
    };
    expect(graph(await planOf(p), 'dot')).toBe(
      [
        'digraph "answer" {',
        '  node [fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
        '  "questions" [shape=oval, label="questions\\nread.squad"];',
        '  "out" [shape=cylinder, label="out\\nwrite.jsonl"];',
        '  "questions" -> "out" [label="question_id, question, answers"];',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('shows flows, joins and what waits for what', async () => {
    const two = await planOf(both());
    expect(graph(two, 'mermaid')).toContain('  subgraph flow2 ["flow 2"]');
    expect(graph(two, 'mermaid')).toContain('  s4 -.->|after| s5');
    expect(graph(two, 'dot')).toContain('  "index" -> "questions" [style=dashed, label="after"];');
    expect(graph(await planOf(answer()), 'mermaid').match(/-->.* s(\d+)$/gm)).toHaveLength(7);
  });
});
