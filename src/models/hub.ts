/** The Hugging Face hub: which files a repository has, and which of them an encoder or reader needs. */
import { ModelError } from './errors.ts';
import { checkAnswer } from './fetch.ts';
import { bodyText, type Environment, get } from './http.ts';
import { chooseOnnx, isDataOf, TABLE_FILE } from './parts.ts';

export interface HubFile {
  readonly path: string;
  readonly bytes?: number;
  /** Known for files kept in large file storage. */
  readonly sha256?: string;
}

export interface HubModel {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface HubOptions {
  readonly env?: Environment;
  readonly signal?: AbortSignal;
  readonly silence?: number;
}

/** HF_ENDPOINT, else the hub itself; without a slash at its end. */
export const endpointOf = (env: Environment = process.env): string =>
  (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');

/** An access token from HF_TOKEN goes with requests to the endpoint only. */
export function authorization(env: Environment = process.env): Record<string, string> {
  return env.HF_TOKEN ? { authorization: `Bearer ${env.HF_TOKEN.trim()}` } : {};
}

/** What a failed connection says; where several addresses were tried it has a code only. */
const reasonOf = (cause: NodeJS.ErrnoException): string => cause.message || (cause.code ?? cause.name);

/** Files of a repository at a revision. @throws ModelError where it is not found or access is refused */
export async function hubModel(repo: string, revision: string, options: HubOptions = {}): Promise<HubModel> {
  const { env = process.env } = options;
  const url = `${endpointOf(env)}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer = await get(url, { ...options, headers: authorization(env) }).catch(cause => {
    options.signal?.throwIfAborted();
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(
      `hf:${repo}@${revision}: ${endpointOf(env)} cannot be reached (${reasonOf(cause)})`,
      {
        cause,
        retryable: true,
        help:
          'check the network; behind a proxy set HTTPS_PROXY, for a mirror set HF_ENDPOINT; or copy a folder with the ONNX ' +
          'file and tokenizer.json to this machine, and name that',
      },
    );
  });
  checkAnswer(answer, `hf:${repo}@${revision}`);
  const text = await bodyText(answer.body);
  let parsed: {
    sha?: string;
    siblings?: { rfilename: string; size?: number; lfs?: { sha256?: string; size?: number } }[];
  };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw new ModelError(`${url}: the answer is no JSON`, { cause, help: 'check HF_ENDPOINT and the proxy' });
  }
  if (
    typeof parsed.sha !== 'string' ||
    !/^[0-9a-f]{7,64}$/.test(parsed.sha) ||
    !Array.isArray(parsed.siblings)
  ) {
    throw new ModelError(`${url}: the answer names no commit and files`, { help: 'check HF_ENDPOINT' });
  }
  return {
    commit: parsed.sha,
    files: parsed.siblings
      // a name must stay inside the folder it is written to
      .filter(({ rfilename }) => !rfilename.split(/[\\/]/).includes('..') && !/^([\\/]|\w:)/.test(rfilename))
      .map(({ rfilename, size, lfs }) => ({
        path: rfilename,
        bytes: lfs?.size ?? size,
        sha256: lfs?.sha256,
      })),
  };
}

export const fileUrl = (repo: string, commit: string, path: string, env: Environment = process.env): string =>
  `${endpointOf(env)}/${repo}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;

const CONFIGS =
  /^(?:[\w-]+\/)?(?:[\w-]*config[\w-]*\.json|tokenizer\.json|encoder\.json|modules\.json|special_tokens_map\.json|artifact\.metadata)$/;
const MODULE_WEIGHTS = /^\d+_(?:Dense|StaticEmbedding)\/model\.safetensors$/;

/**
 * The files to fetch: one ONNX file with its external data, tokenizer and configs. A static model has its safetensors
 * in place of an ONNX file.
 * @throws ModelError that lists the ONNX files, where the one to take is not clear
 */
export function neededFiles(
  repo: string,
  files: readonly HubFile[],
  wanted?: string,
): { onnx?: string; files: HubFile[] } {
  const paths = files.map(file => file.path);
  const models = paths.filter(path => path.endsWith('.onnx'));
  const listed = models.length > 0 ? `its ONNX files: ${models.join(', ')}` : 'it has no ONNX file';
  const onnx = chooseOnnx(models, wanted);
  if (wanted !== undefined && onnx === undefined)
    throw new ModelError(`hf:${repo}: has no file "${wanted}"`, { help: listed });
  const isStatic =
    paths.some(path => /^\d+_StaticEmbedding\//.test(path)) ||
    (models.length === 0 &&
      paths.includes(TABLE_FILE) &&
      paths.includes('tokenizer.json') &&
      !paths.includes('1_Pooling/config.json'));
  if (onnx === undefined && !isStatic) {
    throw new ModelError(
      models.length > 1
        ? `hf:${repo}: has ${models.length} ONNX files, and none is model.onnx`
        : `hf:${repo}: has no ONNX file`,
      {
        help:
          models.length > 1
            ? `name one: ${models.map(path => `hf:${repo}:${path}`).join(', ')}`
            : 'export it: optimum-cli export onnx --model NAME FOLDER, and give the folder',
      },
    );
  }
  if (!paths.includes('tokenizer.json') && !paths.some(path => path.endsWith('/tokenizer.json'))) {
    throw new ModelError(`hf:${repo}: has no tokenizer.json`, {
      help: 'save the model with its fast tokenizer (AutoTokenizer.save_pretrained), and give the folder',
    });
  }
  const chosen = files.filter(
    ({ path }) =>
      path === onnx ||
      (onnx !== undefined && isDataOf(onnx, path)) ||
      CONFIGS.test(path) ||
      MODULE_WEIGHTS.test(path) ||
      (onnx === undefined && path === TABLE_FILE),
  );
  return { onnx, files: chosen };
}
