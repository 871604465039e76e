/** Plain text of the documentation files in Debian packages: archives are read as they are, nothing is unpacked to disk. */
import { spawn } from 'node:child_process';
import { gunzipSync } from 'node:zlib';

/** The regular files of a package, in the order of its archive. `wanted` says by name whether the bytes are of interest. */
export async function* filesOf(
  deb: string,
  wanted: (name: string) => boolean,
): AsyncGenerator<{ name: string; bytes: Buffer }> {
  const tar = spawn('dpkg-deb', ['--fsys-tarfile', deb], { stdio: ['ignore', 'pipe', 'inherit'] });
  const read = blocks(tar.stdout);
  let longName: string | undefined;
  for (;;) {
    const header = await read(512);
    if (header === undefined || header[0] === 0) break;
    const field = (from: number, to: number): string =>
      header.toString('utf8', from, to).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 136).trim() || '0', 8);
    const type = String.fromCharCode(header[156]);
    const name = longName ?? (field(345, 500) === '' ? field(0, 100) : `${field(345, 500)}/${field(0, 100)}`);
    longName = undefined;
    const body = await read(Math.ceil(size / 512) * 512);
    if (body === undefined) break;
    if (type === 'L') longName = body.toString('utf8', 0, size).replace(/\0.*$/s, '');
    else if ((type === '0' || type === '\0') && wanted(name)) yield { name, bytes: body.subarray(0, size) };
  }
  tar.stdout.resume();
}

/** Gives the next n bytes of a stream, undefined at its end. */
function blocks(stream: AsyncIterable<Buffer>): (n: number) => Promise<Buffer | undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  let held: Buffer[] = [];
  let bytes = 0;
  return async n => {
    while (bytes < n) {
      const next = await chunks.next();
      if (next.done) return undefined;
      held.push(next.value);
      bytes += next.value.length;
    }
    const all = held.length === 1 ? held[0] : Buffer.concat(held);
    held = [all.subarray(n)];
    bytes -= n;
    return all.subarray(0, n);
  };
}

const TEXT = /\.(html?|xhtml|txt|rst|md|pod|dict)(\.gz|\.dz)?$/;
/** Lists of names, sources and licences: no prose. */
const NOT_TEXT =
  /(genindex|py-modindex|search|allclasses|allpackages|index-all|index-files|doc-index|copyright|changelog|\/src\/|_source|-members|all-items|print)[^/]*$/i;

export const isText = (name: string): boolean => TEXT.test(name) && !NOT_TEXT.test(name);

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
};

/** The text of a file, white space as it comes. */
export function textOf(name: string, bytes: Buffer): string {
  const raw = (/\.(gz|dz)$/.test(name) ? gunzipSync(bytes) : bytes).toString('utf8');
  if (!/\.x?html?(\.gz)?$/.test(name)) return raw;
  return raw
    .replace(/<!--.*?-->|<(head|script|style|nav|header|footer|svg|math)\b.*?<\/\1\s*>/gis, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, named) => {
      if (named !== undefined) return ENTITIES[named] ?? all;
      const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return point > 0 && point < 0x110000 ? String.fromCodePoint(point) : ' ';
    });
}
