/** Vectors to search: those of texts where they were made, else made up ones, the same every time. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../lib/folders.ts';

/** Vectors of all-MiniLM-L6-v2 that scripts/distill keeps; undefined where they were not made. */
export function encoded(name: string, count: number, dimension: number): Float32Array | undefined {
  const folder = join(dataFolder(), 'distill');
  const files = existsSync(folder) ? readdirSync(folder).filter(f => f.startsWith(`${name}-`)) : [];
  for (const file of files) {
    const bytes = readFileSync(join(folder, file));
    const size = count * dimension * 4;
    if (bytes.length >= size)
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size));
  }
  return undefined;
}

/** Numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of a normal distribution (Box & Muller). */
const normal = (next: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/**
 * `count` unit vectors: one of 1,000 centres, 40 directions that all share, and noise, so that near and far are as
 * spread as among encoded passages.
 */
export function clustered(count: number, dimension: number, seed: number): Float32Array {
  const shared = random(7);
  const centres = Float32Array.from({ length: 1000 * dimension }, () => normal(shared));
  const basis = Float32Array.from({ length: 40 * dimension }, () => normal(shared));
  const next = random(seed);
  const out = new Float32Array(count * dimension);
  for (let v = 0; v < count; v++) {
    const centre = Math.floor(next() * 1000) * dimension;
    const at = v * dimension;
    for (let c = 0; c < dimension; c++) out[at + c] = centres[centre + c] * 0.5 + normal(next) * 0.25;
    for (let b = 0; b < 40; b++) {
      const x = normal(next) * 0.12;
      for (let c = 0; c < dimension; c++) out[at + c] += x * basis[b * dimension + c];
    }
    let norm = 0;
    for (let c = at; c < at + dimension; c++) norm += out[c] * out[c];
    for (let c = at; c < at + dimension; c++) out[c] /= Math.sqrt(norm);
  }
  return out;
}
