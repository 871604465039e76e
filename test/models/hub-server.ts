/** A hub on 127.0.0.1 for tests: API, files with ranges, redirects, and faults on demand. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubFault {
  /** Ends the connection after so many bytes of the body, this often. */
  drop?: { after: number; times: number };
  /** Sends these bytes in place of the file's. */
  wrong?: Uint8Array;
  /** Answers with this status, this often. */
  status?: { code: number; times: number };
}

export interface HubRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

export const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export class HubServer {
  readonly requests: HubRequest[] = [];
  readonly faults = new Map<string, HubFault>();
  /** Requires this token. */
  token: string | undefined;
  /** Serves ranges. */
  ranges = true;
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #repo: string;
  readonly #server: http.Server;
  readonly #cdn: http.Server;

  constructor(repo: string, files: Record<string, Uint8Array | string>) {
    this.#repo = repo;
    this.#files = new Map(Object.entries(files).map(([path, data]) => [path, Buffer.from(data)]));
    this.#server = http.createServer((request, response) => this.#hub(request, response));
    this.#cdn = http.createServer((request, response) => this.#file(request, response));
  }

  async start(): Promise<void> {
    for (const server of [this.#server, this.#cdn])
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get cdnUrl(): string {
    return `http://localhost:${(this.#cdn.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const server of [this.#server, this.#cdn]) {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  }

  fileRequests(path: string): HubRequest[] {
    return this.requests.filter(request => request.url.endsWith(`/cdn/${path}`));
  }

  #log(request: http.IncomingMessage): void {
    this.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
  }

  /** The API, and redirects of files to the other server. */
  #hub(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#log(request);
    const url = new URL(request.url ?? '/', this.url);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
      return;
    }
    const api = `/api/models/${this.#repo}/revision/`;
    if (url.pathname.startsWith(api) && ['main', COMMIT].includes(url.pathname.slice(api.length))) {
      const siblings = [...this.#files].map(([path, data]) => ({
        rfilename: path,
        size: data.length,
        ...(path.endsWith('.onnx') ? { lfs: { sha256: sha256(data), size: data.length } } : {}),
      }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ sha: COMMIT, siblings }));
      return;
    }
    const files = `/${this.#repo}/resolve/${COMMIT}/`;
    const path = decodeURIComponent(url.pathname.slice(files.length));
    if (url.pathname.startsWith(files) && this.#files.has(path)) {
      response.writeHead(302, { location: `${this.cdnUrl}/cdn/${path}` }).end();
      return;
    }
    response.writeHead(404).end('not here');
  }

  #file(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#log(request);
    const path = decodeURIComponent((request.url ?? '').slice('/cdn/'.length));
    const fault = this.faults.get(path) ?? {};
    if (fault.status && fault.status.times-- > 0) {
      response.writeHead(fault.status.code).end();
      return;
    }
    const data = fault.wrong ?? (this.#files.get(path) as Uint8Array);
    const etag = `"${sha256(data).slice(0, 16)}"`;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const fits = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    let from = 0;
    if (range && fits && this.ranges) {
      from = Number(range[1]);
      if (from >= data.length) {
        response.writeHead(416).end();
        return;
      }
      response.writeHead(206, {
        etag,
        'content-length': data.length - from,
        'content-range': `bytes ${from}-${data.length - 1}/${data.length}`,
      });
    } else response.writeHead(200, { etag, 'content-length': data.length });
    const body = data.subarray(from);
    if (fault.drop && fault.drop.times > 0) {
      fault.drop.times--;
      response.write(body.subarray(0, fault.drop.after), () => response.socket?.end());
    } else response.end(body);
  }
}
