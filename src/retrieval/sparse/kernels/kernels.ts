import {
  add,
  advance,
  and,
  and64,
  anyTrue,
  assemble,
  bitmask16,
  type Code,
  choose,
  ctz,
  extend32U,
  f64,
  f64Add,
  f64Ceil,
  f64Div,
  f64FromI32,
  f64Mul,
  f64Sub,
  get,
  geU,
  geU16,
  gtU,
  i32,
  i32FromF64,
  i64,
  kernel,
  type Local,
  load16U,
  load32,
  load64,
  loadF64,
  loadV,
  loopWhile,
  ltS,
  ltU,
  maxU16,
  mul,
  orV,
  set,
  shl,
  shrU,
  shrU64,
  splat16,
  store8,
  store16,
  store32,
  storeV,
  sub,
  when,
  wrap64,
  zeroV,
} from '../../../wasm/assembler.ts';
import { type Memory, WebAssembly } from '../../../wasm/webassembly.ts';
import { GRID_SHIFT } from '../grid.ts';

/** Documents of a window: their 16-bit sums fill 32 KiB, the first-level cache. A power of two, at most 2^16. */
export const WINDOW_BITS = 14;
export const WINDOW = 1 << WINDOW_BITS;
/** Impacts a unit of score: a power of two, so that scaling is exact. */
export const IMPACT_SCALE = 128;

/** Places of which `maxima` gives the highest sum: a multiple of 4. */
export const CHUNK = 32;

/** sums[docs[i]] += impacts[i], impacts `delta` bytes behind docs; eight a round. */
const accumulate = kernel(
  'accumulate',
  { docs: 'i32', end: 'i32', delta: 'i32', sums: 'i32' },
  { impacts: 'i32', slot: 'i32', stop: 'i32' },
  undefined,
  v => {
    const one = (i: number): Code[] => [
      set(v.slot, add(get(v.sums), shl(load16U(get(v.docs), 2 * i), i32(1)))),
      store16(get(v.slot), add(load16U(get(v.slot)), load16U(get(v.impacts), 2 * i))),
    ];
    return [
      set(v.impacts, add(get(v.docs), get(v.delta))),
      set(v.stop, sub(get(v.end), i32(14))),
      loopWhile(
        ltS(get(v.docs), get(v.stop)),
        ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap(one),
        advance(v.docs, 16),
        advance(v.impacts, 16),
      ),
      loopWhile(ltU(get(v.docs), get(v.end)), ...one(0), advance(v.docs, 2), advance(v.impacts, 2)),
    ];
  },
);

/** As `accumulate`, each impact `factor` times. */
const accumulateTimes = kernel(
  'accumulateTimes',
  { docs: 'i32', end: 'i32', delta: 'i32', sums: 'i32', factor: 'i32' },
  { slot: 'i32' },
  undefined,
  v => [
    loopWhile(
      ltU(get(v.docs), get(v.end)),
      set(v.slot, add(get(v.sums), shl(load16U(get(v.docs)), i32(1)))),
      store16(
        get(v.slot),
        add(load16U(get(v.slot)), mul(get(v.factor), load16U(add(get(v.docs), get(v.delta))))),
      ),
      advance(v.docs, 2),
    ),
  ],
);

/**
 * Lists the places whose sum is at least `floor` (≥ 1) as pairs of 32-bit (place, sum) at `out`, and clears
 * all sums. Returns the number of pairs.
 */
const collect = kernel(
  'collect',
  { sums: 'i32', end: 'i32', floor: 'i32', out: 'i32' },
  {
    first: 'i32',
    start: 'i32',
    slot: 'i32',
    bits: 'i32',
    lane: 'i32',
    least: 'v128',
    a: 'v128',
    b: 'v128',
    c: 'v128',
    d: 'v128',
  },
  'i32',
  v => {
    const lists = [v.a, v.b, v.c, v.d];
    const hits = (hit: Local, i: number): Code[] => [
      set(v.bits, bitmask16(get(hit))),
      loopWhile(
        get(v.bits),
        set(v.slot, add(add(get(v.sums), i32(16 * i)), shl(ctz(get(v.bits)), i32(1)))),
        store32(get(v.out), shrU(sub(get(v.slot), get(v.first)), i32(1))),
        store32(get(v.out), load16U(get(v.slot)), 4),
        advance(v.out, 8),
        set(v.bits, and(get(v.bits), sub(get(v.bits), i32(1)))),
      ),
    ];
    return [
      set(v.least, splat16(get(v.floor))),
      set(v.first, get(v.sums)),
      set(v.start, get(v.out)),
      loopWhile(
        ltU(get(v.sums), get(v.end)),
        ...lists.map((hit, i) => set(hit, geU16(loadV(get(v.sums), 16 * i), get(v.least)))),
        when(
          anyTrue(orV(orV(get(v.a), get(v.b)), orV(get(v.c), get(v.d)))),
          ...lists.flatMap((hit, i) => hits(hit, i)),
        ),
        ...lists.map((_, i) => storeV(get(v.sums), zeroV, 16 * i)),
        advance(v.sums, 64),
      ),
      shrU(sub(get(v.out), get(v.start)), i32(3)),
    ];
  },
);

const PAIR = { pairs: 'i32', count: 'i32', floor: 'i32' } as const;

/** Keeps a pair whose sum is at least `floor`: the end of a round over pairs. */
function keep(v: { read: Local; write: Local; floor: Local; sum: Local; place: Local }): Code[] {
  return [
    when(
      geU(get(v.sum), get(v.floor)),
      store32(get(v.write), get(v.place)),
      store32(get(v.write), get(v.sum), 4),
      advance(v.write, 8),
    ),
    advance(v.read, 8),
  ];
}

/** Adds `sums` to the pairs' own and keeps those that reach `floor`; returns how many are left. */
const gather = kernel(
  'gather',
  { sums: 'i32', ...PAIR },
  { read: 'i32', write: 'i32', end: 'i32', place: 'i32', sum: 'i32' },
  'i32',
  v => [
    set(v.read, get(v.pairs)),
    set(v.write, get(v.pairs)),
    set(v.end, add(get(v.pairs), shl(get(v.count), i32(3)))),
    loopWhile(
      ltU(get(v.read), get(v.end)),
      set(v.place, load32(get(v.read))),
      set(v.sum, add(load32(get(v.read), 4), load16U(add(get(v.sums), shl(get(v.place), i32(1)))))),
      ...keep(v),
    ),
    shrU(sub(get(v.write), get(v.pairs)), i32(3)),
  ],
);

/** Moves `docs` on to the first entry not below `place`, or to `end`: gallop, then halve. */
function seek(v: Record<'docs' | 'end' | 'place' | 'step' | 'high' | 'middle', Local>): Code[] {
  return [
    set(v.step, i32(2)),
    set(v.high, get(v.docs)),
    loopWhile(
      // a 0 where the end is reached or the entry is not below the place
      and(ltU(get(v.high), get(v.end)), ltU(load16U(get(v.high)), get(v.place))),
      set(v.docs, add(get(v.high), i32(2))),
      set(v.high, add(get(v.high), get(v.step))),
      set(v.step, shl(get(v.step), i32(1))),
    ),
    when(gtU(get(v.high), get(v.end)), set(v.high, get(v.end))),
    loopWhile(
      ltU(get(v.docs), get(v.high)),
      set(v.middle, add(get(v.docs), and(shrU(sub(get(v.high), get(v.docs)), i32(1)), i32(-2)))),
      choose(
        ltU(load16U(get(v.middle)), get(v.place)),
        [set(v.docs, add(get(v.middle), i32(2)))],
        [set(v.high, get(v.middle))],
      ),
    ),
  ];
}

/**
 * Looks the pairs' places up in `docs..end`, adds the impacts found `factor` times and
 * keeps the pairs that reach `floor`; returns how many are left.
 */
const probe = kernel(
  'probe',
  { docs: 'i32', end: 'i32', delta: 'i32', factor: 'i32', ...PAIR },
  {
    read: 'i32',
    write: 'i32',
    last: 'i32',
    place: 'i32',
    sum: 'i32',
    step: 'i32',
    high: 'i32',
    middle: 'i32',
  },
  'i32',
  v => [
    set(v.read, get(v.pairs)),
    set(v.write, get(v.pairs)),
    set(v.last, add(get(v.pairs), shl(get(v.count), i32(3)))),
    loopWhile(
      ltU(get(v.read), get(v.last)),
      set(v.place, load32(get(v.read))),
      set(v.sum, load32(get(v.read), 4)),
      ...seek(v),
      when(
        ltU(get(v.docs), get(v.end)),
        when(
          // equal: not below and not above
          eqPlace(v.docs, v.place),
          set(v.sum, add(get(v.sum), mul(get(v.factor), load16U(add(get(v.docs), get(v.delta)))))),
        ),
      ),
      ...keep(v),
    ),
    shrU(sub(get(v.write), get(v.pairs)), i32(3)),
  ],
);

function eqPlace(docs: Local, place: Local): Code {
  return [...load16U(get(docs)), ...get(place), 0x46];
}

/**
 * Looks the pairs' places up in `docs..end`, as `probe` does; writes 1 + the index of each one's entry, 0 where there is
 * none, 32 bits each at `out`.
 */
const lookUp = kernel(
  'lookUp',
  { docs: 'i32', end: 'i32', pairs: 'i32', count: 'i32', out: 'i32' },
  { start: 'i32', last: 'i32', place: 'i32', step: 'i32', high: 'i32', middle: 'i32' },
  undefined,
  v => [
    set(v.start, sub(get(v.docs), i32(2))),
    set(v.last, add(get(v.pairs), shl(get(v.count), i32(3)))),
    loopWhile(
      ltU(get(v.pairs), get(v.last)),
      set(v.place, load32(get(v.pairs))),
      ...seek(v),
      store32(get(v.out), i32(0)),
      when(
        ltU(get(v.docs), get(v.end)),
        when(eqPlace(v.docs, v.place), store32(get(v.out), shrU(sub(get(v.docs), get(v.start)), i32(1)))),
      ),
      advance(v.out, 4),
      advance(v.pairs, 8),
    ),
  ],
);

/** counts[impacts[i]]++ for the impacts in `impacts..end`. */
const histogram = kernel(
  'histogram',
  { impacts: 'i32', end: 'i32', counts: 'i32' },
  { slot: 'i32' },
  undefined,
  v => [
    loopWhile(
      ltU(get(v.impacts), get(v.end)),
      set(v.slot, add(get(v.counts), shl(load16U(get(v.impacts)), i32(2)))),
      store32(get(v.slot), add(load32(get(v.slot)), i32(1))),
      advance(v.impacts, 2),
    ),
  ],
);

/** State of a list under construction, at `state`: place of the next entry, window, its entry. */
export const STATE = { docs: 0, window: 4, entry: 8, tfs: 12, bytes: 16 } as const;
/** A window of a list: its number, index of its first posting, its highest impact. */
export const ENTRY_BYTES = 12;

/**
 * Appends a block of bit-packed postings to a list: places, impacts (`delta` bytes behind) and tf (at most
 * 255, a byte). An impact is ⌈contribution · IMPACT_SCALE⌉, at least 1, with the contribution rounded to
 * the grid exactly as `contribution()` does it. Values are read as 64 bits at any byte, so up to eight
 * bytes behind the block are touched.
 */
const block = kernel(
  'block',
  {
    state: 'i32',
    gaps: 'i32',
    gapWidth: 'i32',
    counts: 'i32',
    countWidth: 'i32',
    n: 'i32',
    doc: 'i32',
    delta: 'i32',
    first: 'i32',
    lengths: 'i32',
    pivots: 'i32',
    weight: 'f64',
    k: 'f64',
    plus: 'f64',
  },
  {
    docs: 'i32',
    tfs: 'i32',
    entry: 'i32',
    window: 'i32',
    best: 'i32',
    end: 'i32',
    gapBit: 'i32',
    countBit: 'i32',
    tf: 'i32',
    impact: 'i32',
    gapMask: 'i64',
    countMask: 'i64',
    f: 'f64',
  },
  undefined,
  v => {
    const ones = (width: Local): Code => [
      ...i64(1n),
      ...extend32U(get(width)),
      0x86, // i64.shl
      ...i64(1n),
      0x7d, // i64.sub
    ];
    const value = (base: Local, bit: Local, mask: Local): Code =>
      wrap64(
        and64(
          shrU64(load64(add(get(base), shrU(get(bit), i32(3)))), extend32U(and(get(bit), i32(7)))),
          get(mask),
        ),
      );
    return [
      set(v.docs, load32(get(v.state), STATE.docs)),
      set(v.window, load32(get(v.state), STATE.window)),
      set(v.entry, load32(get(v.state), STATE.entry)),
      set(v.tfs, load32(get(v.state), STATE.tfs)),
      set(v.best, load32(get(v.entry), 8)),
      set(v.end, add(get(v.docs), shl(get(v.n), i32(1)))),
      set(v.gapMask, ones(v.gapWidth)),
      set(v.countMask, ones(v.countWidth)),
      loopWhile(
        ltU(get(v.docs), get(v.end)),
        set(v.doc, add(add(get(v.doc), i32(1)), value(v.gaps, v.gapBit, v.gapMask))),
        set(v.gapBit, add(get(v.gapBit), get(v.gapWidth))),
        set(v.tf, add(value(v.counts, v.countBit, v.countMask), i32(1))),
        set(v.countBit, add(get(v.countBit), get(v.countWidth))),
        when(
          sub(shrU(get(v.doc), i32(WINDOW_BITS)), get(v.window)),
          store32(get(v.entry), get(v.best), 8),
          advance(v.entry, ENTRY_BYTES),
          set(v.window, shrU(get(v.doc), i32(WINDOW_BITS))),
          store32(get(v.entry), get(v.window)),
          store32(get(v.entry), shrU(sub(get(v.docs), get(v.first)), i32(1)), 4),
          set(v.best, i32(0)),
        ),
        set(v.f, f64FromI32(get(v.tf))),
        set(
          v.f,
          f64Add(
            f64Div(
              f64Mul(get(v.weight), get(v.f)),
              f64Add(
                get(v.f),
                f64Mul(
                  get(v.k),
                  loadF64(
                    add(get(v.pivots), shl(load32(add(get(v.lengths), shl(get(v.doc), i32(2)))), i32(3))),
                  ),
                ),
              ),
            ),
            get(v.plus),
          ),
        ),
        set(v.f, f64Sub(f64Add(get(v.f), f64(GRID_SHIFT)), f64(GRID_SHIFT))),
        set(v.impact, i32FromF64(f64Ceil(f64Mul(get(v.f), f64(IMPACT_SCALE))))),
        when(ltS(get(v.impact), i32(1)), set(v.impact, i32(1))),
        when(gtU(get(v.impact), get(v.best)), set(v.best, get(v.impact))),
        when(gtU(get(v.tf), i32(255)), set(v.tf, i32(255))),
        store16(get(v.docs), and(get(v.doc), i32(WINDOW - 1))),
        store16(add(get(v.docs), get(v.delta)), get(v.impact)),
        store8(get(v.tfs), get(v.tf)),
        advance(v.docs, 2),
        advance(v.tfs, 1),
      ),
      store32(get(v.entry), get(v.best), 8),
      store32(get(v.state), get(v.docs), STATE.docs),
      store32(get(v.state), get(v.window), STATE.window),
      store32(get(v.state), get(v.entry), STATE.entry),
      store32(get(v.state), get(v.tfs), STATE.tfs),
    ];
  },
);

/** The highest sums of sets of places, 16 bits each at `out`: of 8 · CHUNK places every eighth is a set. */
const maxima = kernel(
  'maxima',
  { sums: 'i32', end: 'i32', out: 'i32' },
  { best: 'v128', stop: 'i32' },
  undefined,
  v => [
    loopWhile(
      ltU(get(v.sums), get(v.end)),
      set(v.best, loadV(get(v.sums))),
      set(v.stop, add(get(v.sums), i32(CHUNK * 16))),
      loopWhile(
        ltU(get(v.sums), get(v.stop)),
        set(
          v.best,
          maxU16(
            get(v.best),
            maxU16(
              maxU16(loadV(get(v.sums)), loadV(get(v.sums), 16)),
              maxU16(loadV(get(v.sums), 32), loadV(get(v.sums), 48)),
            ),
          ),
        ),
        advance(v.sums, 64),
      ),
      storeV(get(v.out), get(v.best)),
      advance(v.out, 16),
    ),
  ],
);

/** The kernels over one memory; addresses and counts are in bytes and whole numbers. */
export interface Kernels {
  accumulate(docs: number, end: number, delta: number, sums: number): void;
  accumulateTimes(docs: number, end: number, delta: number, sums: number, factor: number): void;
  collect(sums: number, end: number, floor: number, out: number): number;
  gather(sums: number, pairs: number, count: number, floor: number): number;
  probe(
    docs: number,
    end: number,
    delta: number,
    factor: number,
    pairs: number,
    count: number,
    floor: number,
  ): number;
  lookUp(docs: number, end: number, pairs: number, count: number, out: number): void;
  maxima(sums: number, end: number, out: number): void;
  histogram(impacts: number, end: number, counts: number): void;
  block(
    state: number,
    gaps: number,
    gapWidth: number,
    counts: number,
    countWidth: number,
    n: number,
    doc: number,
    delta: number,
    first: number,
    lengths: number,
    pivots: number,
    weight: number,
    k: number,
    plus: number,
  ): void;
}

let compiled: object | undefined;

/** Compiles the module once a thread and instantiates it over `memory`. */
export function instantiate(memory: Memory): Kernels {
  compiled ??= new WebAssembly.Module(
    assemble([accumulate, accumulateTimes, collect, gather, probe, lookUp, histogram, block, maxima]),
  );
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernels;
}
