/** Which operator reads somebody's file or folder, by endings and, for JSON, by a look inside. */
import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { UserError } from '../../define/errors.ts';

export interface Corpus {
  /** The operator. */
  readonly op: string;
  /** Whether its records have fields to choose among. */
  readonly fields: boolean;
  /** What it is, for people. */
  readonly what: string;
  /** Files of a folder that other operators would read, by ending. */
  readonly others: Readonly<Record<string, number>>;
}

const KINDS: readonly { op: string; fields: boolean; what: string; endings: readonly string[] }[] = [
  { op: 'read.jsonl', fields: true, what: 'JSONL', endings: ['.jsonl', '.ndjson', '.jsonlines'] },
  { op: 'read.csv', fields: true, what: 'CSV', endings: ['.csv', '.tsv'] },
  { op: 'read.parquet', fields: true, what: 'Parquet', endings: ['.parquet'] },
  { op: 'read.arrow', fields: true, what: 'Arrow', endings: ['.arrow', '.feather', '.ipc'] },
  { op: 'read.markdown', fields: false, what: 'Markdown', endings: ['.md', '.markdown'] },
  { op: 'read.html', fields: false, what: 'HTML', endings: ['.html', '.htm', '.xhtml'] },
  { op: 'read.text', fields: false, what: 'plain text', endings: ['.txt', '.text'] },
];
const COMPRESSED = new Set(['.gz', '.br', '.zst']);
/** A folder is looked through up to this many files. */
const MOST_FILES = 20_000;

/** A file's ending in lower case, without that of a compression. */
function endingOf(name: string): string {
  const last = extname(name).toLowerCase();
  return COMPRESSED.has(last) ? extname(name.slice(0, -last.length)).toLowerCase() : last;
}

const known = (): string => KINDS.flatMap(k => k.endings).join(', ');

/** JSON that is no list of lines: SQuAD's, or an object a line after all. */
async function jsonKind(path: string): Promise<Corpus> {
  const file = await open(path);
  const buffer = Buffer.alloc(4096);
  const { bytesRead } = await file.read(buffer, 0, 4096, 0).finally(() => file.close());
  const head = buffer.toString('utf8', 0, bytesRead).trimStart();
  if (/"paragraphs"\s*:|"data"\s*:\s*\[/.test(head)) {
    return { op: 'read.squad', fields: false, what: 'SQuAD format', others: {} };
  }
  return { op: 'read.jsonl', fields: true, what: 'JSON', others: {} };
}

async function endings(folder: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let seen = 0;
  const walk = async (at: string): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules' || seen >= MOST_FILES) continue;
      if (entry.isDirectory()) await walk(join(at, entry.name));
      else if (entry.isFile()) {
        seen++;
        const ending = endingOf(entry.name);
        counts.set(ending, (counts.get(ending) ?? 0) + 1);
      }
    }
  };
  await walk(folder);
  return counts;
}

/**
 * Looks at a path.
 * @param shown the path as the user wrote it, for messages
 * @throws UserError where nothing is there or nothing in it can be read
 */
export async function corpusAt(path: string, shown: string): Promise<Corpus> {
  const info = await stat(path).catch(() => undefined);
  if (!info) {
    throw new UserError(`--corpus: nothing is at ${shown}`, {
      help: 'wanted a file (JSONL, CSV, Parquet ...) or a folder of texts',
    });
  }
  if (info.isFile()) {
    const ending = endingOf(path);
    if (ending === '.json') return jsonKind(path);
    const kind = KINDS.find(k => k.endings.includes(ending));
    if (!kind) {
      throw new UserError(`--corpus: ${shown} ends in "${ending}", which no operator reads by itself`, {
        help: `endings that are read: ${known()}, .json; also compressed (.gz, .br, .zst)`,
      });
    }
    return { op: kind.op, fields: kind.fields, what: kind.what, others: {} };
  }
  const counts = await endings(path);
  const found = KINDS.map(k => ({ ...k, files: k.endings.reduce((n, e) => n + (counts.get(e) ?? 0), 0) }))
    .filter(k => k.files > 0)
    .sort((a, b) => b.files - a.files);
  if (found.length === 0) {
    const there = [...counts].map(([e, n]) => `${n} × ${e || 'no ending'}`).join(', ') || 'no files';
    throw new UserError(`--corpus: the folder ${shown} holds nothing that can be read: ${there}`, {
      help: `endings that are read: ${known()}; also compressed (.gz, .br, .zst)`,
    });
  }
  const [kind, ...rest] = found;
  return {
    op: kind.op,
    fields: kind.fields,
    what: `a folder of ${kind.what} files`,
    others: Object.fromEntries(rest.map(k => [k.what, k.files])),
  };
}
