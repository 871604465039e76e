/**
 * The smallest of a set that lives in a step's state: sets of millions (all empty texts) must not be rewritten for each
 * member. A node holds up to 64 members, or the smallest of each of 64 nodes below it, told apart by bits of the id.
 */
import type { StepState } from '../../src/define/index.ts';
import { compareKeys, type Id, type Key } from './kept.ts';

interface Member {
  readonly key: Key;
  readonly id: Id;
}
type Stored = [Key, string];
interface Node {
  /** Members, or the smallest of each node below by its number. */
  m?: Stored[];
  c?: Record<string, Stored>;
}

const WIDTH = 64;
/** Ids have 12 bytes, one a level. */
const DEEPEST = 11;

const store = ({ key, id }: Member): Stored => [key, Buffer.from(id, 'latin1').toString('base64')];
const load = ([key, id]: Stored): Member => ({ key, id: Buffer.from(id, 'base64').toString('latin1') });
const smallest = (all: readonly Stored[]): Stored | undefined => {
  let best: Stored | undefined;
  for (const one of all) if (!best || compareKeys(one[0], best[0]) < 0) best = one;
  return best;
};

export class MinTree {
  readonly #state: StepState;
  constructor(state: StepState) {
    this.#state = state;
  }
  #get(at: string): Node {
    const bytes = this.#state.get(Buffer.from(at, 'latin1'));
    return bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Node) : { m: [] };
  }
  #put(at: string, node: Node): Stored | undefined {
    const all = node.m ?? Object.values(node.c ?? {});
    const key = Buffer.from(at, 'latin1');
    if (all.length === 0) this.#state.delete(key);
    else this.#state.put(key, Buffer.from(JSON.stringify(node)));
    return smallest(all);
  }
  /** The smallest of the set that stands at `at` (latin1). */
  first(at: string): Member | undefined {
    const node = this.#get(at);
    const best = smallest(node.m ?? Object.values(node.c ?? {}));
    return best && load(best);
  }
  add(at: string, member: Member): void {
    this.#add(at, member, 0);
  }
  #add(at: string, member: Member, depth: number): Stored | undefined {
    const node = this.#get(at);
    if (node.m) {
      node.m.push(store(member));
      if (node.m.length <= WIDTH || depth >= DEEPEST) return this.#put(at, node);
      const split: Node = { c: {} };
      for (const one of node.m) this.#below(at, split, load(one), depth);
      return this.#put(at, split);
    }
    this.#below(at, node, member, depth);
    return this.#put(at, node);
  }
  #below(at: string, node: Node, member: Member, depth: number): void {
    const bucket = member.id.charCodeAt(depth) % WIDTH;
    const best = this.#add(at + String.fromCharCode(bucket), member, depth + 1);
    if (node.c && best) node.c[bucket] = best;
  }
  remove(at: string, id: Id): void {
    this.#remove(at, id, 0);
  }
  #remove(at: string, id: Id, depth: number): Stored | undefined {
    const node = this.#get(at);
    if (node.m) {
      const text = Buffer.from(id, 'latin1').toString('base64');
      return this.#put(at, { m: node.m.filter(one => one[1] !== text) });
    }
    const bucket = id.charCodeAt(depth) % WIDTH;
    const best = this.#remove(at + String.fromCharCode(bucket), id, depth + 1);
    if (node.c) {
      if (best) node.c[bucket] = best;
      else delete node.c[bucket];
    }
    return this.#put(at, node);
  }
}
