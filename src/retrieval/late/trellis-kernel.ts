/** Steps of Viterbi's search over 256 states, by WebAssembly. */
import {
  add,
  addF32,
  advance,
  assemble,
  bitSelect,
  constV,
  get,
  i32,
  kernel,
  lanesOf,
  load32Splat,
  loadV,
  loopWhile,
  ltF32,
  ltU,
  minF32,
  mulF32,
  set,
  storeV,
  subF32,
} from '../../wasm/assembler.ts';
import { WebAssembly } from '../../wasm/webassembly.ts';

/** What the last 8 bits of codes may be. */
export const STATES = 256;
const FLOATS = 4 * STATES;
const FAR = 1e30;

/**
 * For each number from `x` to `end`: of the states that come to the same one when shifted, the least cost and which it was
 * (`back`); to each state that follows, its cost with the number's square. Costs go from one half of `costs` to the other.
 */
const steps = (bits: 1 | 2) =>
  kernel(
    'steps',
    { x: 'i32', end: 'i32', values: 'i32', costs: 'i32', other: 'i32', back: 'i32' },
    {
      from: 'i32',
      stop: 'i32',
      value: 'i32',
      to: 'i32',
      swap: 'i32',
      number: 'v128',
      least: 'v128',
      which: 'v128',
      next: 'v128',
      off: 'v128',
    },
    undefined,
    v => {
      const ways = 1 << bits;
      const chunk = FLOATS / ways;
      return [
        loopWhile(
          ltU(get(v.x), get(v.end)),
          set(v.number, load32Splat(get(v.x))),
          set(v.from, get(v.costs)),
          set(v.stop, add(get(v.costs), i32(chunk))),
          set(v.value, get(v.values)),
          set(v.to, get(v.other)),
          loopWhile(
            ltU(get(v.from), get(v.stop)),
            set(v.least, loadV(get(v.from))),
            set(v.which, constV([0, 0, 0, 0])),
            ...Array.from({ length: ways - 1 }, (_, i) => i + 1).flatMap(j => [
              set(v.next, loadV(get(v.from), j * chunk)),
              set(v.which, bitSelect(constV([j, j, j, j]), get(v.which), ltF32(get(v.next), get(v.least)))),
              set(v.least, minF32(get(v.least), get(v.next))),
            ]),
            storeV(get(v.back), get(v.which)),
            ...Array.from({ length: ways }, (_, i) => [
              set(v.off, subF32(get(v.number), loadV(get(v.value), 16 * i))),
              storeV(
                get(v.to),
                addF32(
                  lanesOf(
                    get(v.least),
                    [0, 1, 2, 3].map(lane => (4 * i + lane) >> bits),
                  ),
                  mulF32(get(v.off), get(v.off)),
                ),
                16 * i,
              ),
            ]).flat(),
            advance(v.from, 16),
            advance(v.back, 16),
            advance(v.value, 16 * ways),
            advance(v.to, 16 * ways),
          ),
          set(v.swap, get(v.costs)),
          set(v.costs, get(v.other)),
          set(v.other, get(v.swap)),
          advance(v.x, 4),
        ),
      ];
    },
  );

type Steps = (x: number, end: number, values: number, costs: number, other: number, back: number) => void;

const modules = new Map<number, object>();

export interface StepKernel {
  /** d, to be coded. */
  readonly numbers: Float32Array;
  /** Of the states. */
  readonly values: Float32Array;
  /** Of each number and each state cut by its lowest bits: which of those before it, by their highest bits. */
  readonly back: Int32Array;
  /** Costs of the states after the last number. */
  run(): Float32Array;
}

export function stepKernel(d: number, bits: 1 | 2): StepKernel {
  let module = modules.get(bits);
  if (module === undefined) {
    module = new WebAssembly.Module(assemble([steps(bits)]));
    modules.set(bits, module);
  }
  const x = 3 * FLOATS;
  const back = (x + 4 * d + 15) & ~15;
  const size = back + d * (FLOATS >> bits);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65536) });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const run = (exports as { steps: Steps }).steps;
  const { buffer } = memory;
  const costs = new Float32Array(buffer, FLOATS, STATES);
  const last = new Float32Array(buffer, d % 2 === 0 ? FLOATS : 2 * FLOATS, STATES);
  return {
    numbers: new Float32Array(buffer, x, d),
    values: new Float32Array(buffer, 0, STATES),
    back: new Int32Array(buffer, back, d * (STATES >> bits)),
    run: () => {
      costs.fill(FAR);
      costs[0] = 0;
      run(x, x + 4 * d, 0, FLOATS, 2 * FLOATS, back);
      return last;
    },
  };
}
