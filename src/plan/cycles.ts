/** Steps that would take rows from one another in a ring. */
import type { Findings } from './findings.ts';
import type { Node } from './wiring.ts';

const name = (node: Node): string => node.draft.id ?? `steps[${node.draft.index}]`;
const at = (node: Node, ...rest: (string | number)[]) => ['steps', node.draft.index, ...rest];

/** One error for each set of steps that take rows from one another in a ring. */
export function findCycles(nodes: readonly Node[], findings: Findings): boolean {
  const done = new Set<Node>();
  for (const start of nodes) {
    if (done.has(start)) continue;
    const ring = ringThrough(start);
    if (!ring) continue;
    for (const node of ring) done.add(node);
    const first = ring[0];
    const names = [...ring, first].map(name).reverse();
    findings.add({
      path: first.draft.raw.from === undefined ? at(first) : at(first, 'from'),
      code: 'cycle',
      message: `from: rows would go round: ${names.join(' → ')}`,
    });
  }
  // Whatever lies on or behind a ring cannot be known.
  const behind = (node: Node): void => {
    for (const next of node.to) {
      if (next.wired) {
        next.wired = false;
        behind(next);
      }
    }
  };
  for (const node of done) {
    node.wired = false;
    behind(node);
  }
  return done.size > 0;
}

/** The shortest way along `from` from a step back to itself. */
function ringThrough(start: Node): Node[] | undefined {
  const cameFrom = new Map<Node, Node>();
  const queue = [start];
  for (const node of queue) {
    for (const source of node.from) {
      if (source === start) {
        const ring = [node];
        for (let n = node; n !== start; ) {
          n = cameFrom.get(n) as Node;
          ring.unshift(n);
        }
        return ring;
      }
      if (!cameFrom.has(source)) {
        cameFrom.set(source, node);
        queue.push(source);
      }
    }
  }
  return undefined;
}
