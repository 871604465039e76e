/** Products of matrices through ONNX Runtime, whose kernels are the quickest at hand. */
import { type Feed, matMulGraph, Session } from '../../src/models/index.ts';
import type { Multiply } from '../../src/retrieval/dense/index.ts';

/** A product, and what frees it. */
export interface Multiplier {
  readonly multiply: Multiply;
  close(): Promise<void>;
}

export async function onnxMultiplier(threads: number): Promise<Multiplier> {
  const session = await Session.open(matMulGraph(), { threads });
  return {
    multiply: async (vectors, rows, queries, count, dimension) => {
      const a: Feed = { type: 'float32', data: vectors, shape: [rows, dimension] };
      const b: Feed = { type: 'float32', data: queries, shape: [dimension, count] };
      return (await session.run({ a, b })).y.data as Float32Array;
    },
    close: () => session.close(),
  };
}

/** Opens what multiplies; where that fails, the product is freed. */
export async function openMultiplying<T>(
  threads: number,
  open: (multiply: Multiply) => Promise<T>,
): Promise<{ readonly opened: T; readonly product: Multiplier }> {
  const product = await onnxMultiplier(threads);
  try {
    return { opened: await open(product.multiply), product };
  } catch (error) {
    await product.close();
    throw error;
  }
}
