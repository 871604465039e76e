/**
 * Gives back the memory of batches that are done with. Their bytes live outside the JavaScript heap, so V8 hardly sees
 * them: of those that outlive two of its small collections it lets 64 MiB pile up before it looks. Under a small
 * `memory` that is a quarter of it, and it makes a long run's peak higher than a short one's. So whenever bytes outside
 * the heap have grown by a share of `memory`, all garbage is collected, though never for more than a fiftieth of the time.
 *
 * Under a large `memory` V8 is too eager: it marks all there is whenever heap and bytes outside have grown by about half
 * of the heap, which of a run's is 20 MiB, seven times a second; each takes 10 ms, and a third of another core. There it
 * may wait until they have grown by twice the heap, or by an eighth of `memory`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_MS = 1000;
/** Part of `memory` that may pile up; of a large one that by which V8 may let it grow too. */
const SHARE = 1 / 32;
const LEAST_BYTES = 8 << 20;
/** Of the time, that collections may take. */
const COST = 1 / 50;
/** Of a heap that is larger than this a first collection could take long: V8 alone looks after it. */
const LARGEST_HEAP = 512 << 20;

/** `memory` that is large. */
const LARGE = 768 << 20;
/** Part of a large `memory` by which heap and bytes outside may grow before V8 looks, and how much of the heap at most. */
const GROWTH = 1 / 8;
const MOST_PERCENT = 200;
/** What V8 chooses by itself comes to about as much. */
const LEAST_PERCENT = 75;

const growBy = (percent: number): void => setFlagsFromString(`--heap-growing-percent=${percent}`);

let collector: (() => void) | undefined;
function collect(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
    collector = typeof found === 'function' ? () => void found() : () => undefined;
  }
  collector();
}

/**
 * Looks after this thread until the function it gives is called.
 * @param memory bytes that the run may hold
 */
export function keepTidy(memory: number): () => void {
  const mayGrow = Math.max(LEAST_BYTES, memory * (memory < LARGE ? SHARE : GROWTH));
  let least = process.memoryUsage().external;
  let restUntil = 0;
  let percent = 0;
  const grow = (heapUsed: number): void => {
    const most = Math.min(MOST_PERCENT, Math.floor((100 * memory * GROWTH) / heapUsed));
    const wanted = memory < LARGE || most < LEAST_PERCENT ? 0 : most;
    if (wanted !== percent) growBy(wanted);
    percent = wanted;
  };
  grow(process.memoryUsage().heapUsed);
  const timer = setInterval(() => {
    const { external, heapUsed } = process.memoryUsage();
    grow(heapUsed);
    least = Math.min(least, external);
    const now = performance.now();
    if (external < least + mayGrow || heapUsed > LARGEST_HEAP || now < restUntil) return;
    collect();
    restUntil = now + (performance.now() - now) / COST;
    least = process.memoryUsage().external;
  }, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (percent > 0) growBy(0);
  };
}
