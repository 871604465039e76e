/**
 * Zstandard frames (RFC 8878) in pure JavaScript, for Nodes whose zlib has none. fzstd decodes and ignores
 * checksums, so frames are cut here and each content checksum is compared.
 */
import { Decompress } from 'fzstd';
import { UserError } from '../../../src/define/index.ts';
import { Xxh64 } from './xxh64.ts';

/** Bytes come in pieces; `need(n)` makes the first n unread ones contiguous. */
class Input {
  #iterator: AsyncIterator<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array(0);
  #done = false;
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }
  /** Whether `n` more bytes are there. */
  async has(n: number): Promise<boolean> {
    while (this.#bytes.length < n && !this.#done) {
      const next = await this.#iterator.next();
      if (next.done) this.#done = true;
      else {
        const joined = new Uint8Array(this.#bytes.length + next.value.length);
        joined.set(this.#bytes);
        joined.set(next.value, this.#bytes.length);
        this.#bytes = joined;
      }
    }
    return this.#bytes.length >= n;
  }
  async need(n: number): Promise<Uint8Array> {
    if (!(await this.has(n))) throw new Error('zstd: unexpected end of data');
    return this.#bytes;
  }
  take(n: number): Uint8Array {
    const taken = this.#bytes.subarray(0, n);
    this.#bytes = this.#bytes.subarray(n);
    return taken;
  }
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

const MAGIC = 0xfd2fb528;
const word = (b: Uint8Array, at: number): number =>
  (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0;

/**
 * The plain bytes of a Zstandard stream of any number of frames.
 * @throws Error whose message starts with `zstd:` on data that is cut, damaged, or needs a dictionary.
 */
export async function* zstdBlocks(
  source: AsyncIterable<Uint8Array>,
  read: (chunk: Uint8Array) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const counted = (async function* () {
    for await (const chunk of source) {
      read(chunk);
      yield chunk;
    }
  })();
  const input = new Input(counted);
  try {
    while (await input.has(1)) {
      const start = await input.need(4);
      const magic = word(start, 0);
      if (magic >>> 4 === 0x184d2a5) {
        let left = word(await input.need(8), 4);
        input.take(8);
        while (left > 0) {
          const bytes = await input.need(1);
          left -= input.take(Math.min(left, bytes.length)).length;
        }
        continue;
      }
      if (magic !== MAGIC) throw new Error('zstd: no frame where one should start');
      yield* frame(input);
    }
  } finally {
    await input.close();
  }
}

async function* frame(input: Input): AsyncGenerator<Uint8Array> {
  const descriptor = (await input.need(5))[4];
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3];
  const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const checked = (descriptor & 4) !== 0;
  const header = 5 + (single ? 0 : 1) + dictionary + size;
  const bytes = await input.need(header);
  const at = header - size - dictionary;
  if (dictionary > 0 && bytes.subarray(at, at + dictionary).some(b => b !== 0))
    throw new UserError('zstd: the data was compressed with a dictionary, which cannot be given here', {
      help: 'compress it again without one',
    });
  const hash = new Xxh64();
  let out: Uint8Array[] = [];
  const decoder = new Decompress(chunk => {
    if (chunk.length > 0) {
      if (checked) hash.update(chunk);
      out.push(chunk);
    }
  });
  const feed = (chunk: Uint8Array, last: boolean): void => {
    try {
      decoder.push(chunk.slice(), last);
    } catch (cause) {
      throw new Error(`zstd: ${(cause as Error).message}`, { cause });
    }
  };
  // small frames want header and first block in one piece
  let held = input.take(header).slice();
  for (let last = false; !last; ) {
    const block = await input.need(3);
    const head = block[0] | (block[1] << 8) | (block[2] << 16);
    last = (head & 1) === 1;
    const kind = (head >> 1) & 3;
    if (kind === 3) throw new Error('zstd: a block of a reserved type');
    const length = 3 + (kind === 1 ? 1 : head >> 3) + (last && checked ? 4 : 0);
    await input.need(length);
    const piece = input.take(length);
    const joined = new Uint8Array(held.length + length);
    joined.set(held);
    joined.set(piece, held.length);
    held = new Uint8Array(0);
    feed(joined, last);
    if (last && checked && hash.digest()[1] !== word(piece, length - 4))
      throw new Error('zstd: the checksum does not match the content');
    yield* out;
    out = [];
  }
}
