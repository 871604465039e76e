import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, hubCacheFolder } from '../../src/models/cache.ts';
import {
  addModel,
  type CatalogueOptions,
  infoModel,
  listModels,
  locateModel,
  modelFiles,
  type ResolvedModel,
  removeModel,
  resolveModel,
  verifyModel,
} from '../../src/models/catalogue.ts';
import type { ModelError } from '../../src/models/errors.ts';
import { downloadFile } from '../../src/models/fetch.ts';
import { portOf, proxyFor } from '../../src/models/http.ts';
import { neededFiles } from '../../src/models/hub.ts';
import { writeOnnx } from '../../src/models/onnx-write.ts';
import { ProtoWriter } from '../../src/models/protobuf.ts';
import { parseReference } from '../../src/models/reference.ts';
import { COMMIT, HubServer, sha256 } from './hub-server.ts';
import { modelFolder, tinyOnnx, tokenizerJson } from './tiny-models.ts';

const onnx = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));
const FILES = {
  'onnx/model.onnx': onnx,
  'onnx/model_quantized.onnx': onnx.subarray(0, 1000),
  'tokenizer.json': '{"model":{"type":"WordPiece","vocab":{}}}',
  'config.json': '{"model_type":"bert"}',
  'modules.json': '[]',
  '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}',
  'model.safetensors': 'large and not needed',
  'README.md': '# card',
};
const NAME = 'hf:acme/encoder';

/** An ONNX file with one tensor whose values lie in another file. */
const withExternal = (location: string): Uint8Array => {
  const entry = new ProtoWriter().string(1, 'location').string(2, location);
  const graph = new ProtoWriter().message(5, new ProtoWriter().string(8, 'weight').message(13, entry));
  return new ProtoWriter().int(1, 8).message(7, graph).finish();
};

let hub: HubServer;
let root: string;
let options: CatalogueOptions & { env: Record<string, string> };

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-models-'));
  hub = new HubServer('acme/encoder', FILES);
  await hub.start();
  options = {
    cache: join(root, 'cache'),
    env: { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(root, 'hub') },
    delay: 1,
    silence: 2000,
  };
});
afterEach(async () => {
  await hub.close();
  rmSync(root, { recursive: true, force: true });
});

const failure = async (promise: Promise<unknown>): Promise<ModelError> => {
  try {
    await promise;
  } catch (error) {
    return error as ModelError;
  }
  throw new Error('did not fail');
};

describe('names', () => {
  it('are embedded models, hub repositories, folders, or files in them', () => {
    expect(parseReference('default')).toEqual({ kind: 'embedded', name: 'default' });
    expect(parseReference('hf:acme/encoder')).toEqual({
      kind: 'hub',
      repo: 'acme/encoder',
      revision: 'main',
    });
    expect(parseReference('hf:acme/e.5-x@v1.0:onnx/model_O4.onnx')).toEqual({
      kind: 'hub',
      repo: 'acme/e.5-x',
      revision: 'v1.0',
      file: 'onnx/model_O4.onnx',
    });
    expect(parseReference('models/mine')).toEqual({ kind: 'folder', path: 'models/mine' });
    expect(parseReference('models/mine/onnx/model.onnx')).toEqual({
      kind: 'folder',
      path: 'models/mine',
      file: 'onnx/model.onnx',
    });
    for (const bad of ['hf:acme', 'hf:acme/../x', 'hf:acme/x:../../etc/passwd'])
      expect(() => parseReference(bad)).toThrow(/not a hub name/);
  });

  it('cache folders follow the environment and the system', () => {
    expect(cacheFolder({ MILLRACE_CACHE: '/c' })).toBe('/c');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' }, 'linux')).toBe(join('/x', 'millrace'));
    expect(cacheFolder({ HOME: '/h' }, 'linux')).toBe(join('/h', '.cache', 'millrace'));
    expect(cacheFolder({ HOME: '/h' }, 'darwin')).toBe(join('/h', 'Library', 'Caches', 'millrace'));
    expect(cacheFolder({ LOCALAPPDATA: '/l' }, 'win32')).toBe(join('/l', 'millrace', 'cache'));
    expect(hubCacheFolder({ HF_HOME: '/f' })).toBe(join('/f', 'hub'));
  });
});

describe('fetching a model', () => {
  it('follows redirects, takes what is needed, keeps checksums, and needs no network again', async () => {
    const seen: number[] = [];
    const model = await addModel(NAME, { ...options, onProgress: p => seen.push(p.bytes) });
    expect(model.file).toBe('onnx/model.onnx');
    expect(model.commit).toBe(COMMIT);
    expect(readFileSync(join(model.folder, 'onnx/model.onnx')).equals(onnx)).toBe(true);
    expect(existsSync(join(model.folder, '1_Pooling/config.json'))).toBe(true);
    for (const left of ['model.safetensors', 'README.md', 'onnx/model_quantized.onnx'])
      expect(existsSync(join(model.folder, left))).toBe(false);
    expect(Math.max(...seen)).toBe(onnx.length);
    const before = hub.requests.length;
    expect(await resolveModel(NAME, { ...options, offline: true })).toEqual(model);
    expect(hub.requests.length).toBe(before);
    expect((await verifyModel(NAME, options)).every(file => file.ok)).toBe(true);
    expect(modelFiles(model)).toContain(join(model.folder, 'onnx', 'model.onnx'));
    const cached = (await listModels(options)).find(m => m.from === 'cache');
    expect(cached).toMatchObject({ name: NAME, commit: COMMIT });
    expect(cached?.bytes).toBeGreaterThan(onnx.length);
  });

  it('goes on where a dropped connection ended', async () => {
    hub.faults.set('onnx/model.onnx', { drop: { after: 100_000, times: 2 } });
    const model = await addModel(NAME, options);
    expect(readFileSync(join(model.folder, 'onnx/model.onnx')).equals(onnx)).toBe(true);
    // what was under way when the connection ended may be lost, so begins are at most where it ended
    const ranges = hub.fileRequests('onnx/model.onnx').map(request => request.headers.range);
    const begins = ranges.map(range => (range === undefined ? 0 : Number(range.slice('bytes='.length, -1))));
    expect(begins.length).toBe(3);
    expect(begins[1]).toBeGreaterThan(0);
    expect(begins[1]).toBeLessThanOrEqual(100_000);
    expect(begins[2]).toBeGreaterThan(begins[1]);
    expect(begins[2]).toBeLessThanOrEqual(begins[1] + 100_000);
  });

  it('goes on in a later call, after one that gave up', async () => {
    hub.faults.set('onnx/model.onnx', { drop: { after: 90_000, times: 1 } });
    const error = await failure(addModel(NAME, { ...options, retries: 0 }));
    expect(error.retryable ?? true).toBe(true);
    expect(locateModel(NAME, options)).toBeUndefined();
    const model = await addModel(NAME, options);
    expect(hub.fileRequests('onnx/model.onnx').at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(sha256(readFileSync(join(model.folder, 'onnx/model.onnx')))).toBe(sha256(onnx));
  });

  it('begins again where the server serves no ranges, or has another version', async () => {
    hub.ranges = false;
    hub.faults.set('onnx/model.onnx', { drop: { after: 90_000, times: 1 } });
    const model = await addModel(NAME, options);
    expect(readFileSync(join(model.folder, 'onnx/model.onnx')).equals(onnx)).toBe(true);
  });

  it('refuses a file whose checksum differs, and keeps nothing of it', async () => {
    const wrong = Buffer.from(onnx);
    wrong[1234] ^= 1;
    hub.faults.set('onnx/model.onnx', { wrong });
    const error = await failure(addModel(NAME, options));
    expect(error.message).toMatch(
      /onnx\/model\.onnx: the checksum of what arrived is [0-9a-f]{64}, wanted [0-9a-f]{64}/,
    );
    expect(error.help).toMatch(/proxy or mirror/);
    expect(hub.fileRequests('onnx/model.onnx').length).toBe(1);
    expect(locateModel(NAME, options)).toBeUndefined();
    hub.faults.clear();
    await addModel(NAME, options);
    expect((await verifyModel(NAME, options)).every(file => file.ok)).toBe(true);
  });

  it('says what is missing: repository, file, token', async () => {
    expect((await failure(addModel('hf:acme/none', options))).message).toMatch(
      /hf:acme\/none@main: not found \(404\)/,
    );
    const file = await failure(addModel(`${NAME}:model_O9.onnx`, options));
    expect(file.message).toMatch(/has no file "model_O9\.onnx"/);
    expect(file.help).toMatch(/onnx\/model\.onnx, onnx\/model_quantized\.onnx/);
    hub.token = 'secret-token';
    const refused = await failure(addModel(NAME, options));
    expect(refused.message).toMatch(/refused access \(401\)/);
    expect(refused.help).toMatch(/HF_TOKEN/);
  });

  it('sends a token to the endpoint and to no other host', async () => {
    hub.token = 'secret-token';
    await addModel(NAME, { ...options, env: { ...options.env, HF_TOKEN: 'secret-token' } });
    const files = hub.requests.filter(request => request.url.startsWith('/cdn/'));
    expect(files.length).toBeGreaterThan(3);
    expect(files.every(request => request.headers.authorization === undefined)).toBe(true);
  });

  it('tries a busy server again', async () => {
    hub.faults.set('config.json', { status: { code: 503, times: 2 } });
    await addModel(NAME, options);
    expect(hub.fileRequests('config.json').length).toBe(3);
  });

  it('is stopped by a signal, and offline it says so', async () => {
    const controller = new AbortController();
    const stopped = addModel(NAME, {
      ...options,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect((await failure(stopped)).name).toBe('AbortError');
    for (const env of [{ MILLRACE_OFFLINE: '1' }, { HF_HUB_OFFLINE: 'true' }]) {
      const error = await failure(resolveModel(NAME, { ...options, env: { ...options.env, ...env } }));
      expect(error.message).toMatch(/is not on this machine, and --offline forbids/);
    }
  });

  it('takes another file of a model beside the first', async () => {
    await addModel(NAME, options);
    const model = await resolveModel(`${NAME}:model_quantized.onnx`, options);
    expect(statSync(join(model.folder, model.file as string)).size).toBe(1000);
    expect((await resolveModel(NAME, options)).file).toBe('onnx/model.onnx');
  });

  it('a file that was named does not become the plain name', async () => {
    const small = await addModel(`${NAME}:onnx/model_quantized.onnx`, options);
    expect(small.file).toBe('onnx/model_quantized.onnx');
    expect(locateModel(NAME, options)).toBeUndefined();
    expect((await addModel(NAME, options)).file).toBe('onnx/model.onnx');
    expect((await resolveModel(NAME, { ...options, offline: true })).file).toBe('onnx/model.onnx');
    expect(locateModel(`${NAME}:model_quantized.onnx`, options)?.file).toBe('onnx/model_quantized.onnx');
  });

  it('one that came in part is neither found nor listed, by its commit neither', async () => {
    hub.faults.set('onnx/model.onnx', { status: { code: 404, times: 1 } });
    const name = `${NAME}@${COMMIT}`;
    await failure(addModel(name, options));
    expect(locateModel(name, options)).toBeUndefined();
    expect((await listModels(options)).filter(m => m.from === 'cache')).toEqual([]);
    await addModel(name, options);
    expect(locateModel(name, options)?.file).toBe('onnx/model.onnx');
    expect((await listModels(options)).map(m => m.name)).toContain(name);
    await addModel(NAME, options);
    expect((await listModels(options)).map(m => m.name)).toContain(NAME);
  });

  it('is whole with the weights beside its ONNX file, whatever they are called', async () => {
    const graph = withExternal('weights of b.bin');
    const other = new HubServer('acme/encoder', {
      ...FILES,
      'onnx/a.onnx': onnx.subarray(0, 10),
      'onnx/a.onnx_data': onnx.subarray(0, 20),
      'onnx/b.onnx': graph,
      'onnx/weights of b.bin': onnx.subarray(0, 30),
    });
    await other.start();
    const there = { ...options, env: { ...options.env, HF_ENDPOINT: other.url } };
    await addModel(NAME, there);
    other.faults.set('onnx/a.onnx_data', { status: { code: 404, times: 1 } });
    await failure(addModel(`${NAME}:a.onnx`, there));
    expect(locateModel(`${NAME}:a.onnx`, there)).toBeUndefined();
    expect(locateModel(NAME, there)?.file).toBe('onnx/model.onnx');
    await addModel(`${NAME}:a.onnx`, there);
    expect(locateModel(`${NAME}:a.onnx`, there)?.file).toBe('onnx/a.onnx');
    const b = await addModel(`${NAME}:b.onnx`, there);
    expect(existsSync(join(b.folder, 'onnx/weights of b.bin'))).toBe(true);
    expect(modelFiles(b)).toContain(join(b.folder, 'onnx/weights of b.bin'));
    await other.close();
  });

  it('of a static model is its table, though an ONNX file lies beside it', async () => {
    const other = new HubServer('acme/encoder', { ...FILES, 'config.json': '{"model_type":"model2vec"}' });
    await other.start();
    const there = { ...options, env: { ...options.env, HF_ENDPOINT: other.url } };
    const { folder, file } = await addModel(NAME, there);
    expect(file).toBeUndefined();
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
    expect(other.fileRequests('onnx/model.onnx')).toEqual([]);
    expect(locateModel(NAME, there)?.folder).toBe(folder);
    await other.close();
  });

  it('offline is what is here already', async () => {
    const model = await addModel(NAME, options);
    expect(await addModel(NAME, { ...options, offline: true })).toEqual(model);
  });

  it('takes over what the hub client left, where its checksum is right', async () => {
    const snapshot = join(root, 'hub', 'models--acme--encoder', 'snapshots', COMMIT, 'onnx');
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(snapshot, 'model.onnx'), onnx);
    writeFileSync(join(snapshot, 'model_quantized.onnx'), Buffer.alloc(1000));
    const model = await addModel(NAME, options);
    expect(readFileSync(join(model.folder, 'onnx/model.onnx')).equals(onnx)).toBe(true);
    expect(hub.fileRequests('onnx/model.onnx')).toEqual([]);
    await addModel(`${NAME}:model_quantized.onnx`, options);
    expect(hub.fileRequests('onnx/model_quantized.onnx')).toHaveLength(1);
    expect((await verifyModel(NAME, options)).every(file => file.ok)).toBe(true);
  });
});

describe('models on the machine', () => {
  it('are found in the cache that the hub client left', async () => {
    const folder = join(root, 'hub', 'models--acme--encoder');
    mkdirSync(join(folder, 'refs'), { recursive: true });
    writeFileSync(join(folder, 'refs', 'main'), COMMIT);
    for (const [path, data] of Object.entries(FILES)) {
      const target = join(folder, 'snapshots', COMMIT, path);
      mkdirSync(join(target, '..'), { recursive: true });
      writeFileSync(target, data);
    }
    const model = await resolveModel(NAME, { ...options, offline: true });
    expect(model).toMatchObject({ from: 'hub cache', file: 'onnx/model.onnx', commit: COMMIT });
    expect(hub.requests.length).toBe(0);
    expect((await listModels(options)).map(m => m.name)).toContain(`${NAME}@${COMMIT}`);
  });

  it('are listed though a link in the hub client’s cache leads nowhere', async () => {
    const snapshot = join(root, 'hub', 'models--a--b', 'snapshots', COMMIT);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(snapshot, 'tokenizer.json'), '{}');
    writeFileSync(join(snapshot, 'model.onnx'), onnx);
    symlinkSync('../../blobs/gone', join(snapshot, 'README.md'));
    const listed = (await listModels(options)).find(m => m.from === 'hub cache');
    expect(listed).toMatchObject({ name: `hf:a/b@${COMMIT}`, bytes: onnx.length + 2 });
  });

  it('count by the files that are loaded, not by all in their folder', () => {
    const folder = join(root, 'cloned');
    const files = {
      'onnx/model.onnx': onnx,
      'onnx/model_O4.onnx': onnx,
      'model.safetensors': onnx,
      'pytorch_model.bin': onnx,
      'tokenizer.json': '{}',
      'vocab.json': '{}',
      'config.json': '{}',
    };
    for (const [path, data] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), data);
    }
    const read = (name: string): string[] =>
      modelFiles(locateModel(name, options) as ResolvedModel).map(path => relative(folder, path));
    expect(read(folder)).toEqual(['config.json', join('onnx', 'model.onnx'), 'tokenizer.json']);
    expect(read(join(folder, 'onnx/model_O4.onnx'))).toContain(join('onnx', 'model_O4.onnx'));
    const short = { name: 'x', folder, file: 'model_O4.onnx', from: 'folder' } as const;
    expect(modelFiles(short)).toContain(join(folder, 'onnx', 'model_O4.onnx'));
    writeFileSync(join(folder, 'config.json'), '{"model_type":"model2vec"}');
    expect(read(folder)).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  it('are told apart: encoders with their dimension, cross-encoders with their longest pair', async () => {
    const made: string[] = [];
    const of = (name: string, files: Record<string, Uint8Array | string | object>) => {
      const folder = modelFolder({ 'tokenizer.json': tokenizerJson(), ...files }, name);
      made.push(folder);
      return infoModel(folder, options);
    };
    const logits = writeOnnx({
      name: 'x',
      inputs: [{ name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] }],
      outputs: [{ name: 'logits', type: 'float32', shape: ['batch', 1] }],
      initializers: [],
      nodes: [],
    });
    const config = { 'config.json': { model_type: 'xlm-roberta', max_position_embeddings: 514 } };
    expect(await of('cross', { 'model.onnx': logits, ...config })).toMatchObject({
      kind: 'cross-encoder',
      pair: { maxTokens: 512, source: 'config.json' },
    });
    expect(await of('plain', { 'model.onnx': tinyOnnx() })).toMatchObject({ kind: 'encoder', dimension: 2 });
    expect(await infoModel('default', options)).toMatchObject({ kind: 'static encoder', dimension: 256 });
    for (const folder of made) rmSync(join(folder, '..'), { recursive: true, force: true });
  });

  it('are described, verified and removed', async () => {
    const { folder } = await addModel(NAME, options);
    const info = await infoModel(NAME, options);
    expect(info.encoder).toMatchObject({ pooling: 'mean', name: NAME });
    expect(info.files.find(file => file.path === 'onnx/model.onnx')?.sha256).toBe(sha256(onnx));
    const path = join(folder, 'onnx/model.onnx');
    const bytes = readFileSync(path);
    bytes[7] ^= 1;
    writeFileSync(path, bytes);
    const verdict = (await verifyModel(NAME, options)).find(file => !file.ok);
    expect(verdict?.path).toBe('onnx/model.onnx');
    expect(verdict?.problem).toMatch(/^sha256 is/);
    await removeModel(NAME, options);
    expect(locateModel(NAME, options)).toBeUndefined();
  });

  it('by path; a folder that is not there is said', async () => {
    const mine = join(root, 'mine');
    mkdirSync(mine);
    cpSync(new URL('../../models/default/tokenizer.json', import.meta.url), join(mine, 'tokenizer.json'));
    expect(await resolveModel(mine, options)).toMatchObject({ folder: mine, from: 'folder' });
    expect((await failure(resolveModel(join(root, 'none'), options))).message).toMatch(/no folder is there/);
    expect((await infoModel(mine, options)).problem).toMatch(/no ONNX file/);
  });
});

describe('which files are needed', () => {
  const files = (...paths: string[]) => paths.map(path => ({ path }));
  it('external data comes along; a choice of ONNX files must be made by the caller', () => {
    const chosen = neededFiles('a/b', files('model.onnx', 'model.onnx_data', 'other.onnx', 'tokenizer.json'));
    expect(chosen.files.map(file => file.path)).toEqual(['model.onnx', 'model.onnx_data', 'tokenizer.json']);
    expect(() => neededFiles('a/b', files('x.onnx', 'y.onnx', 'tokenizer.json'))).toThrow(/2 ONNX files/);
    expect(() => neededFiles('a/b', files('model.onnx'))).toThrow(/no tokenizer\.json/);
    expect(
      neededFiles(
        'a/b',
        files('0_StaticEmbedding/model.safetensors', '0_StaticEmbedding/tokenizer.json', 'modules.json'),
      ).files,
    ).toHaveLength(3);
  });
});

describe('proxies', () => {
  it('are read from the environment', () => {
    const url = new URL('https://hub.example/x');
    expect(proxyFor(url, { HTTPS_PROXY: 'http://p:3128' })?.host).toBe('p:3128');
    expect(proxyFor(url, { https_proxy: 'p:3128' })?.host).toBe('p:3128');
    expect(proxyFor(url, { HTTP_PROXY: 'http://p:3128' })).toBeUndefined();
    for (const no of ['*', 'hub.example', '.example', 'x, hub.example:443'])
      expect(proxyFor(url, { HTTPS_PROXY: 'http://p:3128', NO_PROXY: no })).toBeUndefined();
    expect(proxyFor(url, { HTTPS_PROXY: 'http://p:3128', NO_PROXY: 'ample, hub.example:80' })).toBeDefined();
    expect(() => proxyFor(url, { HTTPS_PROXY: 'http://' })).toThrow(/is not a URL/);
  });

  it('carry plain requests, with a login', async () => {
    const seen: { url?: string; auth?: string }[] = [];
    const proxy = http.createServer((request, response) => {
      seen.push({ url: request.url, auth: request.headers['proxy-authorization'] });
      response.end('through the proxy');
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const path = join(root, 'file');
    await downloadFile('http://hub.example/a/b', path, {
      name: 'b',
      env: { HTTP_PROXY: `http://user:pass@127.0.0.1:${port}` },
    });
    await new Promise(resolve => proxy.close(resolve));
    expect(readFileSync(path, 'utf8')).toBe('through the proxy');
    expect(seen).toEqual([
      { url: 'http://hub.example/a/b', auth: `Basic ${Buffer.from('user:pass').toString('base64')}` },
    ]);
  });

  it('are asked for a tunnel for https, and a refusal is said', async () => {
    const asked: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const error = await failure(
      downloadFile('https://hub.example/a', join(root, 'file'), {
        name: 'a',
        env: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
        retries: 0,
      }),
    );
    await new Promise(resolve => proxy.close(resolve));
    expect(asked).toEqual(['hub.example:443']);
    expect(error.message).toMatch(/refused hub\.example:443 \(407/);
  });
});

it('a silent proxy counts as a drop, before a tunnel and in it', async () => {
  const silent = createServer();
  const open = http.createServer();
  open.on('connect', (_, socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  for (const server of [silent, open]) {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sockets: Socket[] = [];
    server.on('connection', socket => sockets.push(socket));
    const error = await failure(
      downloadFile('https://hub.example/x', join(root, 'x'), {
        name: 'x',
        env: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
        retries: 0,
        silence: 50,
      }),
    );
    expect(error.message).toMatch(/no byte from .*127\.0\.0\.1:\d+ for 0\.05 s/);
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  }
});

it('a proxy reached by TLS has the port of https where none is said', () => {
  expect(portOf(new URL('https://proxy.example'))).toBe(443);
  expect(portOf(new URL('http://proxy.example'))).toBe(80);
  expect(portOf(new URL('https://proxy.example:3128'))).toBe('3128');
});

it('a silent server counts as a drop', async () => {
  const silent = http.createServer(() => {});
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const error = await failure(
    downloadFile(`http://127.0.0.1:${port}/x`, join(root, 'x'), {
      name: 'x',
      retries: 1,
      delay: 1,
      silence: 50,
    }),
  );
  expect(error.message).toMatch(/no byte from 127\.0\.0\.1:\d+ for 0\.05 s/);
  expect(error.help).toMatch(/HTTPS_PROXY/);
  silent.closeAllConnections();
  await new Promise(resolve => silent.close(resolve));
  // the port is free again: nothing was left open
  await expect(
    new Promise((resolve, reject) =>
      connect(port, '127.0.0.1').once('connect', resolve).once('error', reject),
    ),
  ).rejects.toThrow();
});
