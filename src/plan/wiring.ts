/** Which step takes its rows from which: references, cycles, number of inputs, flows and their order. */
import { nearest } from '../define/index.ts';
import { findCycles } from './cycles.ts';
import { some } from './describe.ts';
import { didYouMean, type Findings } from './findings.ts';
import type { Draft } from './shape.ts';

/** A step with its neighbours. */
export interface Node {
  readonly draft: Draft;
  /** The steps it takes rows from, in order; fewer than named where a reference is wrong. */
  readonly from: Node[];
  readonly to: Node[];
  readonly after: Node[];
  /** False where what it takes cannot be known: a wrong reference, a cycle, a misspelled `from`. */
  wired: boolean;
  /** False where what it waits for cannot be known. */
  waits: boolean;
}

/** What the wiring found out about outputs that nobody takes, for {@link findUnread}. */
export interface Wiring {
  readonly nodes: readonly Node[];
  /** Steps that a wrong reference most likely meant: they count as read. */
  readonly meant: Set<Node>;
  /** Some reference may have meant any step. */
  readonly unsure: boolean;
}

const name = (node: Node): string => node.draft.id ?? `steps[${node.draft.index}]`;
const at = (node: Node, ...rest: (string | number)[]) => ['steps', node.draft.index, ...rest];
const isSink = (node: Node): boolean => node.draft.op?.shape === 'sink';

/** Connects the steps. */
export function wire(drafts: readonly Draft[], findings: Findings): Wiring {
  const nodes: Node[] = drafts.map(draft => ({
    draft,
    from: [],
    to: [],
    after: [],
    wired: true,
    waits: true,
  }));
  return new Wirer(nodes, findings).wire();
}

class Wirer {
  readonly #nodes: readonly Node[];
  readonly #findings: Findings;
  readonly #byId = new Map<string, Node>();
  readonly #meant = new Set<Node>();
  #unsure = false;

  constructor(nodes: readonly Node[], findings: Findings) {
    this.#nodes = nodes;
    this.#findings = findings;
  }

  wire(): Wiring {
    const nodes = this.#nodes;
    for (const node of nodes) this.#register(node);
    for (const node of nodes) {
      this.#inputs(node);
      this.#waits(node);
    }
    for (const node of nodes) {
      for (const source of new Set(node.from)) source.to.push(node);
    }
    // In a ring, a step that nobody reads was most likely what the ring should have read.
    if (findCycles(nodes, this.#findings)) this.#unsure = true;
    return { nodes, meant: this.#meant, unsure: this.#unsure };
  }

  #register(node: Node): void {
    const { id } = node.draft;
    if (id === undefined) return;
    const other = this.#byId.get(id);
    if (other) {
      const message = `id: ${JSON.stringify(id)} names steps[${other.draft.index}] already`;
      this.#findings.add({ path: at(node, 'id'), code: 'duplicate-id', message });
      // References may mean either.
      this.#meant.add(node).add(other);
    } else this.#byId.set(id, node);
  }

  /** The steps that references name; a wrong one is reported once, and what it may have meant counts as read. */
  #lookUp(node: Node, key: 'from' | 'after', names: readonly string[]): Node[] {
    // A reference may mean the step whose id is missing, which is reported already.
    const nameless = this.#nodes.some(n => n.draft.id === undefined);
    return names.flatMap((id, i) => {
      const target = this.#byId.get(id);
      if (target) return [target];
      if (key === 'from') node.wired = false;
      else node.waits = false;
      const near = nearest(
        id,
        [...this.#byId.keys()].filter(other => other !== node.draft.id),
      );
      const meant = near === undefined ? undefined : this.#byId.get(near);
      if (key === 'from' && meant) this.#meant.add(meant);
      else if (key === 'from') this.#unsure = true;
      if (!nameless) {
        this.#findings.add({
          path: Array.isArray(node.draft.raw[key]) ? at(node, key, i) : at(node, key),
          code: 'unknown-step',
          message: `${key}: there is no step ${JSON.stringify(id)}`,
          help: didYouMean(near) ?? `the steps are ${some([...this.#byId.keys()])}`,
        });
      }
      return [];
    });
  }

  #waits(node: Node): void {
    const { draft } = node;
    if (draft.meant.has('after') || this.#findings.errorAt('steps', draft.index, 'after')) node.waits = false;
    for (const sink of this.#lookUp(node, 'after', draft.after)) {
      if (sink.draft.op && !isSink(sink)) {
        const message = `after: ${JSON.stringify(name(sink))} (${sink.draft.op.name}) is no sink and commits nothing`;
        this.#findings.add({ path: at(node, 'after'), code: 'after-no-sink', message });
        node.waits = false;
      } else node.after.push(sink);
    }
  }

  #inputs(node: Node): void {
    const { draft } = node;
    const shape = draft.op?.shape;
    if (
      this.#findings.errorAt('steps', draft.index, 'from') ||
      (draft.meant.has('from') && draft.from === undefined)
    ) {
      node.wired = false;
      this.#unsure = true;
      return;
    }
    if (shape === 'source') {
      if (draft.from === undefined || draft.from.length === 0) return;
      const message = `from: ${draft.op?.name} is a source and takes no rows`;
      this.#findings.add({
        path: at(node, 'from'),
        code: 'source-with-from',
        message,
        help: 'take "from" away',
      });
      node.wired = false;
      this.#unsure = true;
      return;
    }
    if (draft.from === undefined) this.#stepAbove(node);
    else this.#named(node, draft.from);
    if (shape && node.wired && countInputs(node, this.#findings)) this.#unsure = true;
  }

  #stepAbove(node: Node): void {
    const above = this.#nodes[node.draft.index - 1];
    if (above && !isSink(above)) {
      node.from.push(above);
      return;
    }
    node.wired = false;
    this.#unsure = true;
    // An operator nobody knows may be a source.
    if (node.draft.op) this.#findings.add(noInput(node, this.#nodes, above));
  }

  #named(node: Node, names: readonly string[]): void {
    for (const source of this.#lookUp(node, 'from', names)) {
      if (isSink(source) && source !== node) {
        const message = `from: ${JSON.stringify(name(source))} (${source.draft.op?.name}) is a sink and gives no rows`;
        const help = giver(source, this.#nodes);
        this.#findings.add({ path: at(node, 'from'), code: 'from-sink', message, help });
        node.wired = false;
        this.#unsure = true;
      } else if (node.from.includes(source)) {
        const message = `from: ${JSON.stringify(name(source))} is there twice`;
        this.#findings.add({ path: at(node, 'from'), code: 'duplicate-input', message });
        node.wired = false;
        this.#unsure = true;
      } else node.from.push(source);
    }
  }
}

function noInput(node: Node, nodes: readonly Node[], above: Node | undefined) {
  const op = node.draft.op?.name;
  if (!above) {
    const message = `${op} needs rows, and no step stands above it`;
    return { path: at(node), code: 'no-input', message, help: 'begin with a step that reads, or say "from"' };
  }
  const message = `the step above, ${JSON.stringify(name(above))} (${above.draft.op?.name}), is a sink and gives no rows`;
  return { path: at(node), code: 'after-sink', message, help: giver(above, nodes) };
}

/** The step that a sink takes its rows from: most likely what was meant instead of the sink. */
function giver(sink: Node, nodes: readonly Node[]): string | undefined {
  const source =
    sink.from[0] ??
    nodes
      .slice(0, sink.draft.index)
      .reverse()
      .find(n => !isSink(n));
  return source ? `say from: ${JSON.stringify(name(source))}` : undefined;
}

/** Reports a wrong number of inputs. */
function countInputs(node: Node, findings: Findings): boolean {
  const { op } = node.draft;
  if (!op || node.from.includes(node)) return false;
  const given = node.from.length;
  const exact = op.shape === 'stream' ? (op.inputs ?? 1) : op.shape === 'join' ? 'many' : 1;
  const least = op.shape === 'join' ? (op.least ?? 2) : 1;
  if (exact === 'many' ? given >= least : given === exact) return false;
  const count = (n: number) => `${n === 1 ? 'one input' : `${n} inputs`}`;
  const wanted = exact === 'many' ? `at least ${count(least)}` : count(exact);
  findings.add({
    path: node.draft.raw.from === undefined ? at(node) : at(node, 'from'),
    code: 'input-count',
    message: `${op.name} takes ${wanted}, got ${given}`,
    help:
      op.shape !== 'join' && given > 1
        ? 'merge.hits joins hits; give each input a step of its own'
        : exact !== 1
          ? 'name them: from: [a, b]'
          : undefined,
  });
  node.wired = false;
  return true;
}

/**
 * Outputs that nobody takes, save where something else that is wrong may have meant them.
 * @param open steps whose rows nobody takes on purpose
 * @param others steps that count as read besides
 */
export function findUnread(
  { nodes, meant, unsure }: Wiring,
  open: ReadonlySet<string>,
  others: ReadonlySet<Node>,
  findings: Findings,
): void {
  if (unsure) return;
  for (const node of nodes) {
    const { op, id } = node.draft;
    if (!op || op.shape === 'sink' || node.to.length > 0 || meant.has(node) || others.has(node)) continue;
    if (id === undefined || open.has(id)) continue;
    findings.add({
      path: at(node),
      code: 'unread-output',
      message: `nobody takes the rows of ${JSON.stringify(id)} (${op.name})`,
      help: 'add a step that writes them, or take the step away',
    });
  }
}
