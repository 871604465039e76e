/** The other programs that encode the same texts with the same model, each in a process that takes its turn. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peersFolder } from '../lib/folders.ts';
import { Peer } from '../lib/peer.ts';

export const models = join(peersFolder, 'models');
export const folder = join(models, 'all-MiniLM-L6-v2');
/** Padded tokens of a batch. */
export const BUDGET = 4096;
/** Where texts are cut, as the model's own sentence_bert_config.json says. */
export const MAX_TOKENS = 256;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface EncodingPeer {
  readonly name: string;
  readonly peer: Peer;
  readonly version: string;
  readonly vectors: Float32Array;
  /** The share of padded tokens that are padding. */
  readonly padding?: number;
}

interface Known {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Files that must be there. */
  readonly needs: readonly string[];
  readonly install: string;
}

function known(texts: string, out: string): Known[] {
  const python = join(models, 'py', 'bin', 'python');
  const torch = join(models, 'torch', 'bin', 'python');
  const original = join(models, 'st', 'all-MiniLM-L6-v2');
  const js = join(models, 'js');
  const runtime = (file: string): Known => {
    const model = join(folder, 'onnx', file);
    return {
      name: `Python onnxruntime, ${file === 'model.onnx' ? 'fp32' : 'int8'}`,
      command: python,
      args: [
        here('peer_onnxruntime.py'),
        model,
        join(folder, 'tokenizer.json'),
        texts,
        out,
        `${BUDGET}`,
        `${MAX_TOKENS}`,
      ],
      needs: [python, model],
      install: 'bench/models/install-peers.sh',
    };
  };
  return [
    runtime('model.onnx'),
    runtime('model_int8.onnx'),
    {
      name: 'sentence-transformers, fp32',
      command: torch,
      args: [here('peer_sentence_transformers.py'), original, texts, out, `${MAX_TOKENS}`],
      needs: [torch, join(original, 'model.safetensors')],
      install: 'bench/models/install-peers.sh torch',
    },
    {
      name: 'transformers.js, fp32',
      command: process.execPath,
      args: [here('peer_transformers_js.mjs'), js, folder, texts, out, `${MAX_TOKENS}`],
      needs: [join(js, 'node_modules', '@huggingface', 'transformers')],
      install: 'bench/models/install-peers.sh',
    },
  ];
}

/** Starts the peers that are installed; each has encoded the texts once when it is given back. */
export async function startPeers(
  texts: string,
  scratch: string,
  log: (message: string) => void,
): Promise<{ peers: EncodingPeer[]; missing: string[] }> {
  const peers: EncodingPeer[] = [];
  const missing: string[] = [];
  const out = join(scratch, 'vectors.f32');
  for (const { name, command, args, needs, install } of known(texts, out)) {
    if (!needs.every(existsSync)) {
      missing.push(`${name}: ${install}`);
      continue;
    }
    log(`starting ${name}`);
    const peer = new Peer(command, args);
    const told = (await peer.answer()) as { version: string; tokens?: number; padding?: number };
    const bytes = readFileSync(out);
    const share = told.tokens && told.padding !== undefined && told.padding / (told.padding + told.tokens);
    peers.push({
      name,
      peer,
      version: told.version,
      vectors: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
      ...(share !== undefined && { padding: Number(share) }),
    });
  }
  return { peers, missing };
}
