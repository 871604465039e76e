/** Vectors of the teacher, kept on disk by what they depend on, so that a long run can be cut into short ones. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Encoder } from '../../src/models/encoder.ts';
import { sha256, workFolder } from './sources.ts';

const BLOCK = 256;

/**
 * Vectors of texts, those on disk read and the rest made, as long as time is left.
 * @returns undefined where the time ran out first; run again to go on
 */
export async function teacherVectors(
  encoder: Encoder,
  set: { readonly name: string; readonly texts: readonly string[] },
  deadline: number,
  side: 'query' | 'passage' = 'passage',
): Promise<Float32Array | undefined> {
  mkdirSync(workFolder, { recursive: true });
  const { texts } = set;
  const d = encoder.dimension;
  const key = sha256(
    `${encoder.info.name} ${encoder.info.sources.onnx} ${side}\n${texts.join('\u0000')}`,
  ).slice(0, 12);
  const path = join(workFolder, `${set.name}-${key}.f32`);
  let done = existsSync(path) ? Math.floor(statSync(path).size / (BLOCK * d * 4)) * BLOCK : 0;
  if (existsSync(path) && statSync(path).size === texts.length * d * 4) done = texts.length;
  const file = openSync(path, existsSync(path) ? 'r+' : 'w');
  try {
    while (done < texts.length && Date.now() < deadline) {
      const block = texts.slice(done, done + BLOCK);
      const { vectors } = await encoder.encode(block, { side });
      writeSync(
        file,
        new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength),
        0,
        undefined,
        done * d * 4,
      );
      done += block.length;
      if ((done / BLOCK) % 8 === 0) console.error(`${set.name}: ${done} of ${texts.length}`);
    }
  } finally {
    closeSync(file);
  }
  if (done < texts.length) return undefined;
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + texts.length * d * 4));
}

/** Vectors from a file, made and kept where it is not there. */
export async function vectorsOf(path: string, make: () => Promise<Float32Array>): Promise<Float32Array> {
  if (!existsSync(path)) {
    const made = await make();
    mkdirSync(workFolder, { recursive: true });
    writeFileSync(path, new Uint8Array(made.buffer, made.byteOffset, made.byteLength));
  }
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
