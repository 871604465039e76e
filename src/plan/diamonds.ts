/**
 * Rows that part and meet again. Where one branch holds rows back, the other one's channels must have room for as much,
 * or the step where they parted waits for room, the join for rows, and nothing moves.
 */
import { size } from './describe.ts';
import type { Findings } from './findings.ts';
import type { DraftFlow } from './flows.ts';
import type { Node } from './wiring.ts';

/** What one packet is taken to hold where an operator counts in packets. */
const PACKET_BYTES = 2 ** 20;

/** What a step holds back: bytes, and whose doing it is. */
interface Hold {
  readonly node: Node;
  readonly bytes: number;
  readonly text: string;
}

/** Reports branches that can hold back more than the other branch's channels hold. `edgeBytes` is each channel's size. */
export function checkDiamonds(flow: DraftFlow, edgeBytes: number, findings: Findings): void {
  for (const meet of flow.nodes) {
    if (meet.from.length < 2) continue;
    const reported = new Set<Node>();
    for (const branch of meet.from) {
      for (const other of meet.from) {
        if (other !== branch) checkPair(meet, branch, other, edgeBytes, reported, findings);
      }
    }
  }
}

function checkPair(
  meet: Node,
  branch: Node,
  other: Node,
  edgeBytes: number,
  reported: Set<Node>,
  findings: Findings,
): void {
  const otherAbove = above(other);
  const shared = [...above(branch)].filter(n => otherAbove.has(n));
  if (shared.length === 0) return;
  // Steps of the branch that the other one does not share.
  const own = [...above(branch)].filter(n => !otherAbove.has(n));
  const room = channelsBelow(other, new Set(shared)) * edgeBytes;
  for (const node of own) {
    const hold = holdOf(node);
    if (!hold || hold.bytes <= room || reported.has(node)) continue;
    reported.add(node);
    const fork = shared.reduce((a, b) => (above(b).size > above(a).size ? b : a));
    const ids = [fork, other, meet].map(n => JSON.stringify(n.draft.id ?? ''));
    const way = fork === other ? `${ids[0]} → ${ids[2]}` : ids.join(' → ');
    findings.add({
      path: ['steps', node.draft.index],
      code: 'deadlock',
      message: `${hold.text}, but the other way from ${ids[0]} to ${ids[2]} (${way}) has room for ${size(room)}: the run could stand still`,
      help: `put it above ${ids[0]}, or give its branch a source of its own`,
    });
  }
}

/** A step and everything it gets rows from. */
function above(node: Node): Set<Node> {
  const all = new Set([node]);
  for (const n of all) for (const source of n.from) all.add(source);
  return all;
}

/** The fewest channels on a way from the shared part down through `node` and on. */
function channelsBelow(node: Node, shared: ReadonlySet<Node>): number {
  if (shared.has(node)) return 1;
  return 1 + Math.min(...node.from.map(n => channelsBelow(n, shared)));
}

function holdOf(node: Node): Hold | undefined {
  const { op, params, id, run } = node.draft;
  if (!op || !params) return undefined;
  const name = `${JSON.stringify(id ?? '')} (${op.name})`;
  if (op.shape === 'stream' && op.holds?.(params)) {
    return { node, bytes: Number.POSITIVE_INFINITY, text: `${name} holds rows back until all have come` };
  }
  if (op.shape === 'rx') {
    const packets = op.holds?.(params) ?? 0;
    const bytes = packets * PACKET_BYTES;
    if (packets > 0)
      return { node, bytes, text: `${name} holds back ${packets} batches (about ${size(bytes)})` };
  }
  const gathered = run.batch?.bytes;
  return gathered === undefined
    ? undefined
    : { node, bytes: gathered, text: `${name} gathers ${size(gathered)} of rows for a batch` };
}
