/** A plan as a drawing, in Mermaid or Graphviz. */
import { some } from './describe.ts';
import type { Flow, Plan, PlannedStep } from './types.ts';

/** Languages that {@link graph} writes. */
export type GraphFormat = 'mermaid' | 'dot';

/** Draws the steps of a plan, the columns between them, and what waits for what. */
export const graph = (plan: Plan, format: GraphFormat): string =>
  format === 'mermaid' ? mermaid(plan) : dot(plan);

/** The columns that an edge carries, as its label. */
function carried(flow: Flow, from: string): string {
  const step = flow.steps.find(s => s.id === from) as PlannedStep;
  return some(Object.keys(step.output), 6);
}

const label = (step: PlannedStep): string[] => [step.id, step.op.name];
/** `after` edges: from the sink to what waits for it. */
const waits = (plan: Plan): [string, string][] =>
  plan.flows.flatMap(f =>
    f.steps.flatMap(s => (s.after ?? []).map((sink): [string, string] => [sink, s.id])),
  );

function mermaid(plan: Plan): string {
  const names = new Map(plan.flows.flatMap(f => f.steps).map((s, i) => [s.id, `s${i}`]));
  // Mermaid reads HTML entities in quoted text, and ends it at a quote.
  const quote = (text: string): string => text.replace(/[&<>"#]/g, c => `#${c.charCodeAt(0)};`);
  const box = (step: PlannedStep): string => {
    const text = `"${label(step).map(quote).join('<br/>')}"`;
    if (step.op.shape === 'source') return `([${text}])`;
    return step.op.shape === 'sink' ? `[(${text})]` : `[${text}]`;
  };
  const lines = ['flowchart TD'];
  plan.flows.forEach((flow, i) => {
    const many = plan.flows.length > 1;
    const pad = many ? '    ' : '  ';
    if (many) lines.push(`  subgraph flow${i + 1} ["flow ${i + 1}"]`);
    for (const step of flow.steps) lines.push(`${pad}${names.get(step.id)}${box(step)}`);
    for (const edge of flow.edges) {
      lines.push(
        `${pad}${names.get(edge.from)} -->|"${quote(carried(flow, edge.from))}"| ${names.get(edge.to)}`,
      );
    }
    if (many) lines.push('  end');
  });
  for (const [sink, step] of waits(plan)) lines.push(`  ${names.get(sink)} -.->|after| ${names.get(step)}`);
  return `${lines.join('\n')}\n`;
}

function dot(plan: Plan): string {
  const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
  const shape = (step: PlannedStep): string =>
    step.op.shape === 'source' ? 'oval' : step.op.shape === 'sink' ? 'cylinder' : 'box';
  const lines = [
    `digraph ${quote(plan.name)} {`,
    '  node [fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
  ];
  plan.flows.forEach((flow, i) => {
    const many = plan.flows.length > 1;
    const pad = many ? '    ' : '  ';
    if (many) lines.push(`  subgraph cluster_${i + 1} {`, `    label="flow ${i + 1}";`);
    for (const step of flow.steps) {
      const text = label(step)
        .map(t => t.replace(/[\\"]/g, '\\$&'))
        .join('\\n');
      lines.push(`${pad}${quote(step.id)} [shape=${shape(step)}, label="${text}"];`);
    }
    for (const edge of flow.edges) {
      lines.push(
        `${pad}${quote(edge.from)} -> ${quote(edge.to)} [label=${quote(carried(flow, edge.from))}];`,
      );
    }
    if (many) lines.push('  }');
  });
  for (const [sink, step] of waits(plan))
    lines.push(`  ${quote(sink)} -> ${quote(step)} [style=dashed, label="after"];`);
  lines.push('}');
  return `${lines.join('\n')}\n`;
}
