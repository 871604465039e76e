/** Downloads one file: resumed after a drop or a stop, checked, and only then put in its place. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ModelError } from './errors.ts';
import { type Answer, type Environment, get } from './http.ts';

export interface Progress {
  readonly file: string;
  readonly bytes: number;
  /** Undefined where the server does not say it. */
  readonly total?: number;
}

export interface DownloadOptions {
  /** What messages and progress call the file. */
  readonly name: string;
  /** Lower-case hex; the file is refused where its bytes give another. */
  readonly sha256?: string;
  readonly bytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
  readonly silence?: number;
  /** Tries after the first that a dropped connection or a busy server gets. Default 5. */
  readonly retries?: number;
  /** Milliseconds before the first further try, doubled for each one after. Default 1,000. */
  readonly delay?: number;
  onProgress?(progress: Progress): void;
}

export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

/** @returns the SHA-256 of a file, lower-case hex */
export async function hashFile(path: string): Promise<string> {
  return (await hashInto(createHash('sha256'), path)).digest('hex');
}

async function hashInto(hash: Hash, path: string): Promise<Hash> {
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part as Buffer);
  return hash;
}

/** What a refused request means. */
function refusal(status: number, url: string, name: string): ModelError {
  if (status === 401 || status === 403) {
    return new ModelError(`${name}: the server refused access (${status}) at ${url}`, {
      help: 'a private or gated model needs an access token: accept its terms on its page, make a read token, and set HF_TOKEN to it',
    });
  }
  if (status === 404) {
    return new ModelError(`${name}: not found (404) at ${url}`, {
      help: 'check the name, the revision and the file',
    });
  }
  return new ModelError(`${name}: the server answered ${status} at ${url}`, {
    retryable: status === 408 || status === 429 || status >= 500,
    help: 'try again later; what was fetched so far is kept',
  });
}

/** Checks an answer's status. @throws ModelError that says what to do */
export function checkAnswer(answer: Answer, name: string): void {
  if (answer.status >= 200 && answer.status < 300) return;
  answer.body.resume();
  throw refusal(answer.status, answer.url.href, name);
}

const isDrop = (error: unknown): boolean => {
  if (error instanceof ModelError) return error.retryable;
  return (error as Error).name !== 'AbortError';
};

class Part {
  readonly path: string;
  readonly #tagPath: string;

  constructor(target: string) {
    this.path = `${target}.part`;
    this.#tagPath = `${target}.part.etag`;
  }

  /** The version of the file that the bytes so far belong to. */
  async tag(): Promise<string | undefined> {
    return (await readFile(this.#tagPath, 'utf8').catch(() => '')) || undefined;
  }

  setTag(tag: string | undefined): Promise<void> {
    return tag === undefined ? rm(this.#tagPath, { force: true }) : writeFile(this.#tagPath, tag);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#tagPath, { force: true });
  }
}

/** One request: takes up where the part file ends, if the server still has that version. */
async function attempt(url: string, part: Part, options: DownloadOptions): Promise<void> {
  const have = await sizeOf(part.path);
  const tag = await part.tag();
  const resume = have > 0 && tag !== undefined;
  if (resume && have === options.bytes) return;
  const answer = await get(url, {
    headers: { ...options.headers, ...(resume ? { range: `bytes=${have}-`, 'if-range': tag } : {}) },
    env: options.env,
    signal: options.signal,
    silence: options.silence,
  });
  if (answer.status === 416) {
    answer.body.resume();
    await part.remove();
    throw new ModelError(`${options.name}: the part on disk does not fit the file any more`, {
      retryable: true,
    });
  }
  checkAnswer(answer, options.name);
  const appended =
    answer.status === 206 && String(answer.headers['content-range']).startsWith(`bytes ${have}-`);
  const start = appended ? have : 0;
  if (answer.status === 206 && !appended) {
    answer.body.destroy();
    await part.remove();
    throw new ModelError(`${options.name}: the server sent another range than it was asked for`, {
      retryable: true,
    });
  }
  if (!appended) await part.setTag(answer.headers.etag?.replace(/^W\//, ''));
  const length = answer.headers['content-length'];
  const total = options.bytes ?? (length === undefined ? undefined : start + Number(length));
  const file = await open(part.path, appended ? 'a' : 'w');
  let bytes = start;
  try {
    for await (const block of answer.body as AsyncIterable<Buffer>) {
      await file.write(block);
      bytes += block.length;
      options.onProgress?.({ file: options.name, bytes, total });
    }
  } finally {
    await file.close();
  }
  if (total !== undefined && bytes < total) {
    throw new ModelError(`${options.name}: the connection ended after ${bytes} of ${total} bytes`, {
      retryable: true,
      help: 'run it again: it goes on from there',
    });
  }
}

/**
 * Fetches a URL into a file. Bytes arrive in `path`.part; a later call goes on from its end. The file appears under its
 * name only whole and checked.
 * @throws ModelError where access is refused, the file is not found, its checksum differs, or the connection drops more
 * often than `retries` allows
 */
export async function downloadFile(url: string, path: string, options: DownloadOptions): Promise<Downloaded> {
  const { retries = 5, delay = 1000 } = options;
  await mkdir(dirname(path), { recursive: true });
  const part = new Part(path);
  let fresh = (await sizeOf(part.path)) === 0;
  for (let failed = 0; ; ) {
    try {
      await attempt(url, part, options);
      const bytes = await sizeOf(part.path);
      const sha256 = await hashFile(part.path);
      const wrong = options.sha256 !== undefined && sha256 !== options.sha256;
      if (!wrong && (options.bytes === undefined || bytes === options.bytes)) {
        await rename(part.path, path);
        await part.remove();
        return { bytes, sha256 };
      }
      await part.remove();
      // bytes of an earlier, interrupted run may be at fault: once more from the start
      if (!fresh) {
        fresh = true;
        continue;
      }
      throw new ModelError(
        wrong
          ? `${options.name}: the checksum of what arrived is ${sha256}, wanted ${options.sha256} (${bytes} bytes from ${url})`
          : `${options.name}: ${bytes} bytes arrived, wanted ${options.bytes} (from ${url})`,
        { help: 'a proxy or mirror may change files, or the file was replaced; nothing was kept' },
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isDrop(error)) throw error;
      if (failed++ >= retries) {
        if (error instanceof ModelError) throw error;
        throw new ModelError(`${options.name}: cannot be fetched from ${url} (${(error as Error).message})`, {
          cause: error,
          retryable: true,
          help: 'check the network; behind a proxy set HTTPS_PROXY, for a mirror set HF_ENDPOINT; --offline uses only what is there',
        });
      }
      await wait(delay * 2 ** (failed - 1), undefined, { signal: options.signal });
    }
  }
}
