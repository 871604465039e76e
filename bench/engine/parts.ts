/** Cuts a JSONL file into parts of about equal size, at line ends, as positions of `read.jsonl`. */
import { type FileHandle, open } from 'node:fs/promises';
import { shownPath } from '../../operators/read/lib/files.ts';
import type { Part } from './loop.ts';

async function lineEndAfter(handle: FileHandle, at: number): Promise<number> {
  const block = Buffer.alloc(1 << 16);
  for (let offset = at; ; offset += block.length) {
    const { bytesRead } = await handle.read(block, 0, block.length, offset);
    if (bytesRead === 0) return offset;
    const newline = block.subarray(0, bytesRead).indexOf(10);
    if (newline >= 0) return offset + newline + 1;
  }
}

export async function partsOf(path: string, root: string, count: number): Promise<Part[]> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const parts: Part[] = [];
    let offset = 0;
    for (let i = 1; i <= count; i++) {
      const to = i === count ? size : await lineEndAfter(handle, Math.floor((size * i) / count));
      // lines count for messages only
      parts.push({ from: { file: shownPath(root, path), offset, line: 1, record: 0 }, to });
      offset = to;
    }
    return parts;
  } finally {
    await handle.close();
  }
}
