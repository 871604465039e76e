/** Many vectors through the writer of a dense index, and what its process says of its memory. */
import { build, DIMENSION } from './indexes.ts';

export interface MemoryResult {
  readonly seconds: number;
  /** Bytes of resident memory: before the work, and the system's high-water mark after it. */
  readonly baseBytes: number;
  readonly peakBytes: number;
}

/** Vectors that are made as they are written: numbers from -1 to 1 (xorshift). */
export async function buildLarge(dir: string, rows: number): Promise<MemoryResult> {
  const block = new Float32Array(2048 * DIMENSION);
  let state = 1;
  const next = (from: number, to: number): Float32Array => {
    const out = block.subarray(0, (to - from) * DIMENSION);
    for (let i = 0; i < out.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      out[i] = state / 2 ** 31;
    }
    return out;
  };
  const baseBytes = process.memoryUsage.rss();
  const seconds = await build(dir, rows, next, { precision: 'int8', metric: 'cosine' });
  return { seconds, baseBytes, peakBytes: process.resourceUsage().maxRSS * 1024 };
}
