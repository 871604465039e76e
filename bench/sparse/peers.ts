/** The peers of the sparse index, and how a side of the comparison is run: see bench/peers/protocol.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as readline from 'node:readline';
import { benchFolder, peersFolder } from '../lib/folders.ts';

export interface Indexed {
  readonly version?: string;
  readonly passages: number;
  /** Processor seconds of the process. */
  readonly cpu: number;
  /** Bytes on disk; absent where the index is in memory. */
  readonly bytes?: number;
  /** High-water mark of resident memory, in bytes. */
  readonly rss: number;
}

export interface Round {
  readonly cpu: number;
  readonly wall: number;
  readonly queries: number;
  readonly hits: number;
}

export interface PeerSpec {
  readonly name: string;
  readonly kind: 'own' | 'native' | 'npm';
  readonly command: readonly string[];
  /** Rounds of its own before the first common one: how long its compiler goes on. */
  readonly warm?: number;
  /** Whether all it needs is there. */
  readonly there: boolean;
  /** How to get it. */
  readonly get: string;
}

const python = join(peersFolder, 'venv/bin/python');
const npm = join(peersFolder, 'npm/peer.mjs');
const tantivy = join(peersFolder, 'tantivy/release/tantivy-peer');

const npmPeer = (name: string, argument: string, folder: string): PeerSpec => ({
  name,
  kind: 'npm',
  command: [process.execPath, '--max-old-space-size=8192', npm, argument],
  there: existsSync(npm) && existsSync(join(peersFolder, 'npm/node_modules', folder)),
  get: 'sh bench/install-peers.sh npm',
});

export const OWN: PeerSpec = {
  name: 'millrace',
  kind: 'own',
  command: [process.execPath, join(benchFolder, 'sparse/child.mjs'), 'peer'],
  there: true,
  get: '',
};

export const PEERS: readonly PeerSpec[] = [
  {
    name: 'bm25s + numba',
    kind: 'native',
    command: [python, join(benchFolder, 'peers/python/peer_bm25s.py')],
    there: existsSync(join(peersFolder, 'venv/bin/numba')),
    get: 'sh bench/install-peers.sh bm25s',
  },
  {
    name: 'Lucene',
    kind: 'native',
    command: ['sh', join(benchFolder, 'peers/lucene/run.sh')],
    warm: 12,
    there: existsSync(join(peersFolder, 'lucene/classes/Peer.class')),
    get: 'sh bench/install-peers.sh lucene',
  },
  {
    name: 'tantivy',
    kind: 'native',
    command: [tantivy],
    there: existsSync(tantivy),
    get: 'sh bench/install-peers.sh tantivy',
  },
  npmPeer('MiniSearch', 'minisearch', 'minisearch'),
  npmPeer('Orama', 'orama', '@orama/orama'),
  npmPeer('wink-bm25', 'wink', 'wink-bm25-text-search'),
  npmPeer('FlexSearch', 'flexsearch', 'flexsearch'),
];

/** A peer at work on one corpus. */
export class Running {
  readonly spec: PeerSpec;
  indexed!: Indexed;
  /** Seconds from opening to the first answer. */
  open: number | null = null;
  readonly rounds: Round[] = [];
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  private constructor(spec: PeerSpec, args: readonly string[]) {
    this.spec = spec;
    const [command, ...more] = [...spec.command, ...args];
    this.child = spawn(command, more, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.child;
    if (stdout === null) throw new Error(`${spec.name}: no output`);
    this.lines = readline.createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Starts a peer, waits until it has indexed and answered its first query. */
  static async start(
    spec: PeerSpec,
    passages: string,
    folder: string,
    queries: string,
    k: number,
  ): Promise<Running> {
    const running = new Running(spec, [passages, folder, queries, String(k)]);
    running.indexed = await running.next<Indexed>();
    running.open = (await running.next<{ open: number | null }>()).open;
    for (let i = 0; i < (spec.warm ?? 0); i++) await running.round(false);
    return running;
  }

  /** Answers all queries once; a warm-up is not kept. */
  async round(keep: boolean): Promise<void> {
    this.child.stdin?.write('round\n');
    const round = await this.next<Round>();
    if (keep) this.rounds.push(round);
  }

  async end(): Promise<void> {
    const closed = new Promise(resolve => this.child.once('close', resolve));
    if (this.child.exitCode === null) {
      this.child.stdin?.end();
      await closed;
    }
  }

  private async next<T>(): Promise<T> {
    const line = await this.lines.next();
    if (line.done) throw new Error(`${this.spec.name}: ended early`);
    return JSON.parse(line.value) as T;
  }
}
