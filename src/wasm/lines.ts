/**
 * Where lines begin and end, and what they hash to, in one pass: each sixteen bytes are searched for a line end, and
 * taken into the hash where they have none.
 */
import {
  add,
  advance,
  and,
  assemble,
  bitmask8,
  choose,
  ctz,
  equal,
  equal8,
  get,
  gtU,
  i32,
  isZero,
  kernel,
  load8U,
  loadV,
  loopWhile,
  ltU,
  or,
  set,
  splat8,
  store32,
  sub,
  when,
} from './assembler.ts';
import { begun, ended, MURMUR_BYTES, SLACK, taken } from './murmur.ts';
import { type Memory, WebAssembly } from './webassembly.ts';

const [TAB, NEWLINE, RETURN, SPACE] = [9, 10, 13, 32];

/**
 * The lines of the bytes from `bytes` to `stop` that are not blank: start and end of each, counted from `bytes` and
 * without the space around it, to `bounds`, its hash to `out`. Returns how many there are, or -1 where they are more
 * than `most`. Up to 16 bytes beyond `stop` are read, and must be 0.
 */
const lines = kernel(
  'lines',
  { bytes: 'i32', stop: 'i32', bounds: 'i32', out: 'i32', most: 'i32' },
  {
    n: 'i32',
    start: 'i32',
    first: 'i32',
    end: 'i32',
    mask: 'i32',
    at: 'i32',
    left: 'i32',
    length: 'i32',
    a: 'i64',
    b: 'i64',
  },
  'i32',
  v => [
    set(v.start, get(v.bytes)),
    loopWhile(
      and(ltU(get(v.start), get(v.stop)), ltU(get(v.n), get(v.most))),
      // what stands at `stop` is no space
      set(v.first, get(v.start)),
      loopWhile(
        or(equal(load8U(get(v.first)), i32(SPACE)), equal(load8U(get(v.first)), i32(TAB))),
        advance(v.first, 1),
      ),
      set(v.at, get(v.first)),
      ...begun(v),
      loopWhile(
        [
          ...set(v.mask, bitmask8(equal8(loadV(get(v.at)), splat8(i32(NEWLINE))))),
          ...and(isZero(get(v.mask)), ltU(add(get(v.at), i32(15)), get(v.stop))),
        ],
        ...taken(v),
      ),
      choose(get(v.mask), [set(v.end, add(get(v.at), ctz(get(v.mask))))], [set(v.end, get(v.stop))]),
      set(v.start, add(get(v.end), i32(1))),
      when(
        gtU(get(v.end), get(v.first)),
        when(
          equal(load8U(sub(get(v.end), i32(1))), i32(RETURN)),
          advance(v.end, -1),
          // it was taken in already: once more, up to it
          when(
            ltU(get(v.end), get(v.at)),
            set(v.at, get(v.first)),
            ...begun(v),
            loopWhile(ltU(i32(15), sub(get(v.end), get(v.at))), ...taken(v)),
          ),
        ),
      ),
      when(
        gtU(get(v.end), get(v.first)),
        set(v.length, sub(get(v.end), get(v.first))),
        set(v.left, sub(get(v.end), get(v.at))),
        ...ended(v, v.out),
        store32(get(v.bounds), sub(get(v.first), get(v.bytes))),
        store32(get(v.bounds), sub(get(v.end), get(v.bytes)), 4),
        advance(v.bounds, 8),
        advance(v.out, MURMUR_BYTES),
        advance(v.n, 1),
      ),
    ),
    when(ltU(get(v.start), get(v.stop)), set(v.n, i32(-1))),
    get(v.n),
  ],
);

/** The most bytes that are looked at in one call, and the most lines of them. */
const MOST_BYTES = 5 << 18;
const MOST_LINES = 1 << 16;
const BOUNDS_AT = MOST_BYTES + SLACK;
const HASHES_AT = BOUNDS_AT + 8 * MOST_LINES;
const PAGE = 65536;

interface Engine {
  readonly memory: Memory;
  readonly lines: (bytes: number, stop: number, bounds: number, out: number, most: number) => number;
}
let engine: Engine | undefined;

function started(): Engine {
  if (engine) return engine;
  const size = HASHES_AT + MURMUR_BYTES * MOST_LINES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size / PAGE) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble([lines])), {
    env: { memory },
  });
  engine = { memory, ...(exports as Pick<Engine, 'lines'>) };
  return engine;
}

/** Lines that are not blank. */
export interface HashedLines {
  /** Start and end of each, in order, without spaces and tabs before it and the carriage return behind it. */
  readonly bounds: Int32Array;
  /** The MurmurHash3 of each, 16 bytes. */
  readonly hashes: Uint8Array;
}

/** The lines of some bytes; undefined where they are more than 1.25 MiB, or more than 65,536 lines. */
export function hashedLines(bytes: Uint8Array): HashedLines | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  const { memory, lines } = started();
  const all = new Uint8Array(memory.buffer);
  all.set(bytes);
  all.fill(0, bytes.length, bytes.length + SLACK);
  const n = lines(0, bytes.length, BOUNDS_AT, HASHES_AT, MOST_LINES);
  if (n < 0) return undefined;
  return {
    bounds: new Int32Array(memory.buffer, BOUNDS_AT, 2 * n).slice(),
    hashes: all.slice(HASHES_AT, HASHES_AT + MURMUR_BYTES * n),
  };
}
