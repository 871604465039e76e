import { describe, expect, it } from 'vitest';
import { exactSearchGraph, linearGraph, staticEncoderGraph } from '../../src/models/graphs.ts';
import { writeOnnx } from '../../src/models/onnx-write.ts';
import { ProtoWriter } from '../../src/models/protobuf.ts';
import { Session } from '../../src/models/session.ts';

const floats = (output: { data: unknown }): number[] => [...(output.data as Float32Array)];
const int64 = (values: number[], shape: number[]) => ({
  type: 'int64' as const,
  data: BigInt64Array.from(values, BigInt),
  shape,
});

describe('protocol buffers', () => {
  it('are written as the encoding guide gives them', () => {
    // the guide's examples: field 1 = 150; field 2 = "testing"; packed field 4 = [3, 270, 86942]
    expect([...new ProtoWriter().int(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
    expect(Buffer.from(new ProtoWriter().string(2, 'testing').finish()).toString('hex')).toBe(
      '120774657374696e67',
    );
    expect(Buffer.from(new ProtoWriter().ints(4, [3, 270, 86942]).finish()).toString('hex')).toBe(
      '2206038e029ea705',
    );
    // -2 takes ten bytes
    expect(Buffer.from(new ProtoWriter().int(1, -2).finish()).toString('hex')).toBe('08feffffffffffffffff01');
    const nested = new ProtoWriter().message(3, new ProtoWriter().int(1, 150));
    expect([...nested.finish()]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
  });
});

describe('graphs', () => {
  it('a static encoder gives the weighted mean of token vectors', async () => {
    const bytes = staticEncoderGraph({
      tokens: 3,
      dimension: 2,
      codes: Int8Array.of(0, 0, 127, -127, 10, 20),
      scale: Float32Array.of(0, 2, 0.5),
    });
    const session = await Session.open(bytes);
    const { sentence_embedding: found } = await session.run({
      input_ids: int64([1, 2, 0, 2, 0, 0, 0, 0, 0], [3, 3]),
      attention_mask: int64([1, 1, 0, 1, 0, 0, 0, 0, 0], [3, 3]),
    });
    // (254 + 5) / 2, (-254 + 10) / 2; one token; no token
    expect(floats(found)).toEqual([129.5, -122, 5, 10, 0, 0]);
    expect(found.shape).toEqual([3, 2]);
    await session.close();
  });

  it('exact search gives the best rows, ties by the lower one', async () => {
    for (const transposed of [true, false]) {
      const session = await Session.open(exactSearchGraph({ dimension: 2, transposed }));
      const rows = [1, 0, 0, 1, 1, 0, 0.6, 0.8];
      const columns = [1, 0, 1, 0.6, 0, 1, 0, 0.8];
      const found = await session.run({
        queries: { type: 'float32', data: Float32Array.of(1, 0, 0, 2), shape: [2, 2] },
        vectors: {
          type: 'float32',
          data: Float32Array.from(transposed ? columns : rows),
          shape: transposed ? [2, 4] : [4, 2],
        },
        k: int64([3], [1]),
      });
      expect([...(found.rows.data as BigInt64Array)].map(Number)).toEqual([0, 2, 3, 1, 3, 0]);
      expect(floats(found.scores).map(x => Math.round(x * 1000) / 1000)).toEqual([1, 1, 0.6, 2, 1.6, 0]);
      await session.close();
    }
  });

  it('a linear layer has weight, bias and activation', async () => {
    const layer = {
      inputs: 2,
      outputs: 3,
      weight: Float32Array.of(1, 0, 0, 1, 1, 1),
      bias: Float32Array.of(0, 1, -10),
    };
    const x = { type: 'float32' as const, data: Float32Array.of(2, 3), shape: [1, 2] };
    const wanted = {
      identity: [2, 4, -5],
      tanh: [2, 4, -5].map(Math.tanh),
      relu: [2, 4, 0],
      // x · Φ(x), from a table of the normal distribution: Φ(2) = .977250, Φ(4) = .999968, Φ(-5) = 2.87e-7
      gelu: [1.9545, 3.999873, -0.0000014],
    };
    for (const [activation, y] of Object.entries(wanted)) {
      const session = await Session.open(
        linearGraph({ ...layer, activation: activation as keyof typeof wanted }),
      );
      const found = floats((await session.run({ x })).y);
      y.forEach((value, i) => {
        expect(found[i]).toBeCloseTo(value, 5);
      });
      await session.close();
    }
  });

  it('refuses a tensor that does not fill its shape', () => {
    const tensor = { name: 'w', shape: [2, 2], data: Float32Array.of(1, 2, 3) };
    expect(() =>
      writeOnnx({ name: 'g', inputs: [], outputs: [], initializers: [tensor], nodes: [] }),
    ).toThrow('tensor "w": shape [2, 2] holds 4 values, data has 3');
  });
});
