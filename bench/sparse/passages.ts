/**
 * Real text in passages of 100 words, and queries for it: documentation packages of Debian, fetched by
 * fetch-corpus.sh. Deterministic for given packages; kept in bench/.data.
 * Run: npx tsx bench/sparse/passages.ts
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { dataFolder } from '../lib/folders.ts';
import { DATA } from './data.ts';
import { filesOf, isText, textOf } from './debian.ts';

const WORDS = 100;
export const FETCH = 'apt-get update && sh bench/sparse/fetch-corpus.sh';

export interface Corpus {
  name: string;
  /** JSON strings, one passage a line. */
  passages: string;
  count: number;
  /** JSON strings, one query a line. */
  queries: string;
}

/** Writes whole lines, then puts the file in place. */
class Lines {
  private readonly file: string;
  private readonly fd: number;
  private pending: string[] = [];
  count = 0;

  constructor(file: string) {
    this.file = file;
    this.fd = fs.openSync(`${file}.part`, 'w');
  }

  add(line: string): void {
    this.count++;
    if (this.pending.push(line) >= 4096) this.flush();
  }

  close(): void {
    this.flush();
    fs.closeSync(this.fd);
    fs.renameSync(`${this.file}.part`, this.file);
  }

  private flush(): void {
    if (this.pending.length > 0) fs.writeSync(this.fd, `${this.pending.join('\n')}\n`);
    this.pending = [];
  }
}

/** 53 bits of a text: passages that come twice (mirrored pages) are kept once. */
function hash(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b + text.charCodeAt(i), 0x9e3779b1) ^ (b >>> 13);
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff);
}

/** Every distinct passage of the packages in bench/.data/debian; the number of them. */
async function everything(
  log: (message: string) => void,
): Promise<{ file: string; count: number } | undefined> {
  const file = path.join(dataFolder(), 'debian-passages.jsonl');
  const countFile = `${file}.count`;
  if (fs.existsSync(countFile)) return { file, count: Number(fs.readFileSync(countFile, 'utf8')) };
  const folder = path.join(dataFolder(), 'debian');
  const debs = fs.existsSync(folder) ? fs.readdirSync(folder).filter(name => name.endsWith('.deb')) : [];
  if (debs.length === 0) return undefined;
  const seen = new Set<number>();
  const out = new Lines(file);
  for (const deb of debs.sort()) {
    for await (const { name, bytes } of filesOf(path.join(folder, deb), isText)) {
      const words = textOf(name, bytes)
        .split(/\s+/)
        .filter(word => word !== '');
      for (let at = 0; at + WORDS / 2 <= words.length; at += WORDS) {
        const part = words.slice(at, at + WORDS);
        // Tables of numbers and symbols are no text.
        if (part.filter(word => /^\W?[a-z'-]{2,}\W*$/i.test(word)).length < part.length * 0.6) continue;
        const text = part.join(' ');
        const key = hash(text);
        if (text.length > 2000 || seen.has(key)) continue;
        seen.add(key);
        out.add(JSON.stringify(text));
      }
    }
    log(`${deb}: ${out.count.toLocaleString('en-US')} passages so far`);
  }
  out.close();
  fs.writeFileSync(countFile, String(out.count));
  return { file, count: out.count };
}

/** `count` passages, evenly taken from all there are; undefined where the packages are not there or too few. */
export async function debianCorpus(
  count: number,
  log: (message: string) => void = () => {},
): Promise<Corpus | undefined> {
  const file = path.join(dataFolder(), `debian-${count}.jsonl`);
  const queries = path.join(dataFolder(), `debian-${count}.queries.jsonl`);
  const corpus: Corpus = {
    name: `documentation ${count.toLocaleString('en-US')}`,
    passages: file,
    count,
    queries,
  };
  if (fs.existsSync(file) && fs.existsSync(queries)) return corpus;
  const all = await everything(log);
  if (all === undefined || all.count < count) {
    if (all !== undefined) log(`the packages give ${all.count} passages, ${count} are wanted`);
    return undefined;
  }
  const out = new Lines(file);
  const asked: string[] = [];
  const everyQuery = Math.floor(count / 1000);
  let line = 0;
  for await (const text of readline.createInterface({ input: fs.createReadStream(all.file) })) {
    if (out.count < Math.floor((++line * count) / all.count)) {
      out.add(text);
      if (out.count % everyQuery === 0) {
        const sentence = / ([A-Z][a-z]+ [^.!?]{25,80})[.!?] /.exec(JSON.parse(text) as string);
        if (sentence !== null) asked.push(JSON.stringify(sentence[1]));
      }
    }
  }
  out.close();
  fs.writeFileSync(queries, `${[...asked, ...openQuestions(1000)].join('\n')}\n`);
  return corpus;
}

/** The first questions of NQ-open's development set, as JSON strings. */
export function openQuestions(n: number): string[] {
  const folder = path.join(DATA, 'nq-open');
  if (!fs.existsSync(folder)) return [];
  const file = fs
    .readdirSync(folder)
    .filter(name => name.endsWith('.jsonl'))
    .sort()[0];
  return fs
    .readFileSync(path.join(folder, file), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .slice(0, n)
    .map(line => JSON.stringify((JSON.parse(line) as { question: string }).question));
}

if (process.argv[1] === import.meta.filename) {
  for (const count of [1_000_000, 100_000]) console.log(await debianCorpus(count, console.error));
}
