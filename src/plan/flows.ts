/** Flows: steps joined by `from` make one; flows run one after the other, as `after` says, else as written. */
import type { Findings } from './findings.ts';
import type { Node } from './wiring.ts';

/** One flow on its way into the plan. */
export interface DraftFlow {
  /** In topological order, else as written. */
  readonly nodes: readonly Node[];
  /** Every flow that has committed before this one starts. */
  readonly before: Set<DraftFlow>;
}

/** Cuts the steps into flows, in the order they run. */
export function cutFlows(nodes: readonly Node[], findings: Findings): DraftFlow[] {
  const flowOf = new Map<Node, DraftFlow>();
  const flows: DraftFlow[] = [];
  for (const start of nodes) {
    if (flowOf.has(start)) continue;
    const members = new Set<Node>([start]);
    for (const node of members) for (const next of [...node.from, ...node.to]) members.add(next);
    const flow: DraftFlow = { nodes: topological([...members]), before: new Set() };
    flows.push(flow);
    for (const node of members) flowOf.set(node, flow);
  }
  for (const node of nodes) {
    const flow = flowOf.get(node) as DraftFlow;
    for (const sink of node.after) {
      const earlier = flowOf.get(sink) as DraftFlow;
      if (earlier === flow) {
        findings.add({
          path: ['steps', node.draft.index, 'after'],
          code: 'after-own-flow',
          message: `after: ${JSON.stringify(sink.draft.id)} commits when its flow ends, and this step is part of that flow`,
          help: 'a flow that waits begins with a source of its own',
        });
        node.waits = false;
      } else flow.before.add(earlier);
    }
  }
  return order(flows, findings);
}

/** Steps after all that they take rows from; steps of a ring, which is an error elsewhere, come last. */
function topological(members: readonly Node[]): Node[] {
  const waiting = [...members].sort((a, b) => a.draft.index - b.draft.index);
  const done = new Set<Node>();
  while (waiting.length > 0) {
    const next = waiting.findIndex(node => node.from.every(source => done.has(source)));
    for (const node of waiting.splice(Math.max(next, 0), 1)) done.add(node);
  }
  return [...done];
}

/** Flows after those they wait for, which from here on includes what those wait for. */
function order(flows: readonly DraftFlow[], findings: Findings): DraftFlow[] {
  const done: DraftFlow[] = [];
  const waiting = [...flows];
  while (waiting.length > 0) {
    const next = waiting.findIndex(flow => [...flow.before].every(b => done.includes(b)));
    if (next < 0) {
      reportWait(waiting, findings);
      return [...done, ...waiting];
    }
    const [flow] = waiting.splice(next, 1);
    for (const earlier of [...flow.before]) for (const b of earlier.before) flow.before.add(b);
    done.push(flow);
  }
  return done;
}

/** Flows that wait for one another. */
function reportWait(waiting: readonly DraftFlow[], findings: Findings): void {
  // Follow what each waits for: with none free, the walk comes back to a flow it has seen.
  const walk: DraftFlow[] = [];
  let flow = waiting[0];
  while (!walk.includes(flow)) {
    walk.push(flow);
    flow = [...flow.before].find(b => waiting.includes(b)) as DraftFlow;
  }
  const ring = walk.slice(walk.indexOf(flow));
  const steps = ring.map(f => f.nodes.find(n => n.after.length > 0) as Node);
  const first = steps.reduce((a, b) => (b.draft.index < a.draft.index ? b : a));
  findings.add({
    path: ['steps', first.draft.index, 'after'],
    code: 'after-cycle',
    message: `after: flows would wait for one another: ${steps.map(n => JSON.stringify(n.draft.id)).join(', ')}`,
  });
}
