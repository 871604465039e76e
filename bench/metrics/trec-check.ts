/**
 * Checks the run evaluator against trec_eval's own code on random runs: tied scores, scores that differ only
 * past single precision, unjudged documents, negative and missing grades, questions missing on either side,
 * ids outside ASCII. `npx tsx bench/metrics/trec-check.ts [--rounds 20] [--json]`; exits 1 on a difference.
 * Needs `bench/metrics/install-peers.sh` once.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import {
  evaluateRun,
  type Qrels,
  readQrels,
  readRun,
  writeQrels,
  writeRun,
} from '../../src/metrics/index.ts';
import { seededRandom } from '../../src/metrics/random.ts';

const CUTOFFS = [1, 5, 10, 100];
const PEER_NAMES: Record<string, string> = {
  map: 'map',
  mrr: 'recip_rank',
  'r-precision': 'Rprec',
  ndcg: 'ndcg',
};
for (const k of CUTOFFS) {
  PEER_NAMES[`ndcg@${k}`] = `ndcg_cut_${k}`;
  PEER_NAMES[`precision@${k}`] = `P_${k}`;
  PEER_NAMES[`recall@${k}`] = `recall_${k}`;
  PEER_NAMES[`success@${k}`] = `success_${k}`;
}

interface Files {
  qrels: string;
  run: string;
}

async function writeCase(folder: string, seed: number): Promise<Files> {
  const random = seededRandom(seed);
  const below = (limit: number): number => random() % limit;
  const alphabet = ['d', 'é', '한', '\uffee', '😀', 'D', '-'];
  const docId = (): string => `${alphabet[below(alphabet.length)]}${below(60)}`;
  const qrels = new Map<string, Map<string, number>>();
  const run = new Map<string, { docIds: string[]; scores: number[] }>();
  for (let q = 0; q < 60; q++) {
    const id = `q${q}`;
    if (below(8) !== 0) {
      const grades = new Map<string, number>();
      for (let i = below(40) + 1; i > 0; i--) grades.set(docId(), below(6) === 0 ? -1 : below(4) * below(2));
      qrels.set(id, grades);
    }
    if (below(8) !== 0) {
      const docIds = [...new Set(Array.from({ length: below(150) + 1 }, docId))];
      const shape = below(3);
      const scores = docIds.map(() => {
        if (shape === 0) return below(5) - 2;
        if (shape === 1) return 16777216 + below(8);
        return below(1_000_000) / 999_983;
      });
      run.set(id, { docIds, scores });
    }
  }
  const files = { qrels: join(folder, `${seed}.qrels`), run: join(folder, `${seed}.run`) };
  await writeQrels(files.qrels, qrels satisfies Qrels);
  await writeRun(files.run, run);
  return files;
}

type PeerResult = Record<string, Record<string, number>>;

async function compare(
  files: Files,
  peer: PeerResult,
): Promise<{ values: number; largest: number; at: string }> {
  const { metrics } = evaluateRun(await readQrels(files.qrels), await readRun(files.run), {
    k: CUTOFFS,
    ndcg: CUTOFFS,
  });
  const ids = metrics.questionIds;
  if (ids.length !== Object.keys(peer).length) {
    throw new Error(
      `${files.run}: ${ids.length} questions evaluated, trec_eval evaluates ${Object.keys(peer).length}`,
    );
  }
  let values = 0;
  let largest = 0;
  let at = '';
  for (const [name, peerName] of Object.entries(PEER_NAMES)) {
    const own = metrics.values(name);
    for (const [i, id] of ids.entries()) {
      const difference = Math.abs(own[i] - peer[id][peerName]);
      values++;
      if (Number.isNaN(difference)) throw new Error(`${files.run}: ${name} of ${id} is ${own[i]}`);
      if (difference > largest) {
        largest = difference;
        at = `${name} of ${id}: ${own[i]}, trec_eval ${peer[id][peerName]}`;
      }
    }
  }
  return { values, largest, at };
}

const { values: args } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'boolean' } } });
const here = fileURLToPath(new URL('.', import.meta.url));
const python = join(here, '..', '.peers', 'trec', 'bin', 'python');
if (!existsSync(python)) {
  console.error('trec_eval is not installed: run bench/metrics/install-peers.sh first');
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'millrace-trec-'));
let values = 0;
let largest = 0;
let at = '';
try {
  for (let seed = 1; seed <= Number(args.rounds ?? 20); seed++) {
    const files = await writeCase(folder, seed);
    const script = join(here, 'trec_peer.py');
    const { stdout } = await promisify(execFile)(python, [script, files.qrels, files.run], {
      maxBuffer: 1 << 26,
    });
    const result = await compare(files, JSON.parse(stdout) as PeerResult);
    values += result.values;
    if (result.largest > largest) ({ largest, at } = result);
  }
} finally {
  await rm(folder, { recursive: true });
}
const holds = largest < 5e-5;
if (args.json) {
  console.log(JSON.stringify({ values, largest, at, wanted: 5e-5, holds }));
} else {
  console.log(`${values} values compared with trec_eval; largest difference ${largest}${at && ` (${at})`}`);
  console.log(`agrees to 4 decimals: ${holds ? 'holds' : 'falls short'}`);
}
process.exitCode = holds ? 0 : 1;
