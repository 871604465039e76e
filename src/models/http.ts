/** GET over node:http and node:https: redirects, proxies from the environment, and a time limit on silence, of a proxy too. */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { ModelError } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly env?: Environment;
  /** Milliseconds without a byte after which a connection counts as dropped. Default 30,000. */
  readonly silence?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
  /** After redirects. */
  readonly url: URL;
}

const MAX_REDIRECTS = 10;

/** The proxy for a URL by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (either case). */
export function proxyFor(url: URL, env: Environment = process.env): URL | undefined {
  const read = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const host = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  for (const raw of (read('NO_PROXY') ?? '').split(',')) {
    const entry = raw.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return undefined;
    const [, name, only] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(entry) ?? [];
    if (only !== undefined && only !== port) continue;
    if (host === name || host.endsWith(`.${name}`)) return undefined;
  }
  const value = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? read('ALL_PROXY');
  if (value === undefined) return undefined;
  try {
    return new URL(value.includes('://') ? value : `http://${value}`);
  } catch {
    throw new ModelError(`the proxy "${value}" is not a URL`, {
      help: 'set HTTPS_PROXY to http://HOST:PORT',
    });
  }
}

const viaTls = (proxy: URL): boolean => proxy.protocol === 'https:';
/** Where a proxy listens: the port of its protocol where none is said. */
export const portOf = (proxy: URL): string | number => proxy.port || (viaTls(proxy) ? 443 : 80);
const silenceOf = (options: GetOptions): number => options.silence ?? 30_000;
const silent = (host: string, silence: number): Error =>
  new Error(`no byte from ${host} for ${silence / 1000} s`);

const login = (proxy: URL): Record<string, string> => {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
};

/** A TLS connection through a proxy's CONNECT. */
function tunnel(url: URL, proxy: URL, options: GetOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = `${url.hostname}:${url.port || 443}`;
    const silence = silenceOf(options);
    const request = (viaTls(proxy) ? https : http).request({
      host: proxy.hostname,
      port: portOf(proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...login(proxy) },
      signal: options.signal,
    });
    request.once('connect', (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        reject(
          new ModelError(
            `proxy ${proxy.host}: refused ${target} (${answer.statusCode} ${answer.statusMessage})`,
            {
              help: 'check HTTPS_PROXY, and its user and password',
            },
          ),
        );
        return;
      }
      const secure = tls.connect({ socket: socket as Socket, servername: url.hostname });
      secure.setTimeout(silence, () => secure.destroy(silent(`${url.host} through ${proxy.host}`, silence)));
      secure.once('secureConnect', () => {
        secure.setTimeout(0);
        resolve(secure);
      });
      secure.once('error', reject);
    });
    request.setTimeout(silence, () => request.destroy(silent(`proxy ${proxy.host}`, silence)));
    request.once('error', reject);
    request.end();
  });
}

async function once(url: URL, options: GetOptions): Promise<http.IncomingMessage> {
  const proxy = proxyFor(url, options.env);
  const headers: Record<string, string> = {
    'user-agent': 'millrace',
    'accept-encoding': 'identity',
    ...options.headers,
  };
  const settings: https.RequestOptions = { method: 'GET', headers, signal: options.signal };
  let request: http.ClientRequest;
  if (proxy && url.protocol === 'https:') {
    const socket = await tunnel(url, proxy, options);
    request = https.request(url, { ...settings, agent: false, createConnection: () => socket });
  } else if (proxy) {
    request = (viaTls(proxy) ? https : http).request({
      ...settings,
      host: proxy.hostname,
      port: portOf(proxy),
      path: url.href,
      headers: { ...headers, host: url.host, ...login(proxy) },
    });
  } else request = (url.protocol === 'https:' ? https : http).request(url, { ...settings, agent: false });
  return new Promise((resolve, reject) => {
    const silence = silenceOf(options);
    request.setTimeout(silence, () => request.destroy(silent(url.host, silence)));
    request.once('response', resolve);
    request.once('error', reject);
    request.end();
  });
}

/**
 * A GET that follows redirects; an Authorization header is only sent to the host it was meant for.
 * @throws ModelError on a redirect loop or another protocol than http and https
 */
export async function get(address: string | URL, options: GetOptions = {}): Promise<Answer> {
  let url = new URL(address);
  let headers = options.headers;
  for (let step = 0; step <= MAX_REDIRECTS; step++) {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new ModelError(`${url.href}: only http and https are fetched`);
    const body = await once(url, { ...options, headers });
    const status = body.statusCode ?? 0;
    const { location } = body.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined)
      return { status, headers: body.headers, body, url };
    body.resume();
    const next = new URL(location, url);
    if (next.host !== url.host || (url.protocol === 'https:' && next.protocol === 'http:')) {
      headers = Object.fromEntries(
        Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization'),
      );
    }
    url = next;
  }
  throw new ModelError(`${new URL(address).href}: more than ${MAX_REDIRECTS} redirects`);
}

/** The whole body as text, at most `limit` bytes. */
export async function bodyText(body: http.IncomingMessage, limit = 32 << 20): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit)
      throw new ModelError(`an answer of more than ${limit} bytes where a short one was expected`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
