/** The graph library alone, as a program in Node would call it. */
import { createRequire } from 'node:module';
import { BATCH, DIMENSION, K } from './indexes.ts';

const require = createRequire(import.meta.url);

interface Native {
  view(path: string): void;
  search(queries: Float32Array, k: number, threads: number): { keys: BigUint64Array };
}

/** An open graph file that is searched in batches. */
export class Usearch {
  readonly search: number;
  readonly #native: Native;

  constructor(file: string, graph: { connectivity: number; expansion: number }, search: number) {
    const { Index } = require('usearch') as { Index: new (options: object) => Native };
    this.search = search;
    this.#native = new Index({
      dimensions: DIMENSION,
      metric: 'ip',
      quantization: 'f16',
      connectivity: graph.connectivity,
      expansion_add: graph.expansion,
      expansion_search: search,
    });
    this.#native.view(file);
  }

  run(queries: Float32Array): void {
    for (let q = 0; q < queries.length; q += BATCH * DIMENSION)
      this.#native.search(queries.subarray(q, q + BATCH * DIMENSION), K, 1);
  }

  found(queries: Float32Array): number[][] {
    const found: number[][] = [];
    for (let q = 0; q < queries.length; q += DIMENSION)
      found.push(Array.from(this.#native.search(queries.subarray(q, q + DIMENSION), K, 1).keys, Number));
    return found;
  }
}
