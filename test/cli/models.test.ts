import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubServer, sha256 } from '../models/hub-server.ts';
import { folderWith, jsonOf, millrace, STACK } from './millrace.ts';

const here = folderWith();
const MODELS = new URL('../../models/', import.meta.url);
const before = { ...process.env };

const REPO = 'acme/small';
const file = (name: string): Buffer => readFileSync(new URL(`korean/${name}`, MODELS));
const hub = new HubServer(REPO, {
  'model.onnx': file('model.onnx'),
  'tokenizer.json': file('tokenizer.json'),
});
beforeAll(async () => {
  await hub.start();
  Object.assign(process.env, {
    MILLRACE_CACHE: join(here, 'cache'),
    HF_HUB_CACHE: join(here, 'none'),
    HF_ENDPOINT: hub.url,
  });
});
afterAll(async () => {
  process.env = before;
  await hub.close();
});

describe('models', () => {
  it('lists the embedded ones on a fresh machine', async () => {
    const { code, stdout } = await millrace(here, 'models', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^default +embedded +8\.\d MiB/m);
  });

  it('says what one is, and where each setting was found', async () => {
    const { code, stdout } = await millrace(here, 'models', 'info', 'default');
    expect(code).toBe(0);
    expect(stdout).toMatch(/longest text +8192 tokens \(encoder\.json\)/);
    expect(stdout).toMatch(/kind +static encoder\n.*dimension +256\n/);
    expect(stdout).toMatch(/device auto +\S/);
    const json = jsonOf<{ encoder: { normalize: boolean } }>(
      await millrace(here, 'models', 'info', 'default', '--json'),
    );
    expect(json.encoder.normalize).toBe(true);
    expect(stdout).toMatch(/merge\.hits weight +0\.\d+/);
  });

  it('takes a folder by path from the root', async () => {
    mkdirSync(join(here, 'mine'));
    for (const name of ['model.onnx', 'tokenizer.json'])
      cpSync(new URL(`korean/${name}`, MODELS), join(here, 'mine', name));
    const { code, stdout } = await millrace(here, 'models', 'info', 'mine');
    expect(code).toBe(0);
    expect(stdout).toContain(join(here, 'mine'));
  });

  it('of a step is looked for from the root, in a check and in a run', async () => {
    const project = join(here, 'project');
    for (const folder of ['models/mini', 'pipelines']) mkdirSync(join(project, folder), { recursive: true });
    for (const name of ['model.onnx', 'tokenizer.json'])
      cpSync(new URL(`korean/${name}`, MODELS), join(project, 'models/mini', name));
    writeFileSync(join(project, 'docs.jsonl'), '{"doc_id":"1","text":"one two"}\n');
    writeFileSync(
      join(project, 'pipelines/p.yaml'),
      `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: vectors, op: encode.dense, with: { model: models/mini, pooling: none } }
  - { id: index, op: index.dense, with: { path: indexes/p } }
`,
    );
    for (const verb of ['check', 'run']) {
      const { code, stderr } = await millrace(here, verb, 'p', '--root', 'project');
      expect(code, stderr).toBe(0);
    }
  });

  it('fetches one, verifies it, finds a flipped bit, removes it', async () => {
    const { code, stderr } = await millrace(here, 'models', 'add', `hf:${REPO}`);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('tokenizer.json');
    const added = jsonOf<{ folder: string; file: string }>(
      await millrace(here, 'models', 'add', `hf:${REPO}`, '--json'),
    );
    expect((await millrace(here, 'models', 'verify', `hf:${REPO}`)).code).toBe(0);
    const path = join(added.folder, added.file);
    const bytes = readFileSync(path);
    bytes[0] ^= 1;
    writeFileSync(path, bytes);
    const verdict = await millrace(here, 'models', 'verify', `hf:${REPO}`);
    expect(verdict.code).toBe(1);
    expect(verdict.stdout).toContain(`sha256 is ${sha256(bytes)}`);
    expect((await millrace(here, 'models', 'remove', `hf:${REPO}`)).code).toBe(0);
    expect((await millrace(here, 'models', 'list')).stdout).not.toContain(REPO);
  });

  it('says what is wrong, without a stack', async () => {
    const [offline, none, bad, missing] = [
      await millrace(here, 'models', 'add', 'hf:a/b', '--offline'),
      await millrace(here, 'models', 'info', 'no/such/folder'),
      await millrace(here, 'models', 'add', 'hf:nothing'),
      await millrace(here, 'models', 'info'),
    ];
    expect([offline.code, none.code, bad.code, missing.code]).toEqual([1, 1, 1, 2]);
    expect(offline.stderr).toContain('--offline forbids');
    expect(none.stderr).toContain('no folder is there');
    expect(bad.stderr).toContain('not a hub name');
    expect(missing.stderr).toContain('a model is missing');
    for (const o of [offline, none, bad, missing]) expect(o.stderr).not.toMatch(STACK);
  });

  it('says what to do without a network', async () => {
    process.env.HF_ENDPOINT = 'http://127.0.0.1:9';
    const { code, stderr } = await millrace(here, 'models', 'add', 'hf:a/b').finally(() => {
      process.env.HF_ENDPOINT = hub.url;
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('http://127.0.0.1:9 cannot be reached')]);
    expect(stderr).toMatch(/help: check the network; .*HTTPS_PROXY.*HF_ENDPOINT.*copy a folder/);
  });

  it('adds a folder only where it is a model, and says where it is used', async () => {
    mkdirSync(join(here, 'none-at-all'));
    const none = await millrace(here, 'models', 'add', './none-at-all');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('model "./none-at-all": ')]);
    const good = await millrace(here, 'models', 'add', fileURLToPath(new URL('korean', MODELS)));
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('used where it is')]);
  });

  it('removes what is there, else says that it is not', async () => {
    const { code, stderr } = await millrace(here, 'models', 'remove', 'hf:not/here');
    expect([code, stderr]).toEqual([1, expect.stringContaining('model "hf:not/here": is not in the cache')]);
  });

  it('tells a slip in the name of an embedded one, once', async () => {
    const info = await millrace(here, 'models', 'info', 'defualt');
    expect(info.stderr).toMatch(/no folder is there\n.*did you mean "default"\?/);
    const folder = folderWith({
      'docs.jsonl': '{"doc_id":"1","text":"one two"}\n',
      'p.yaml': `name: p
steps:
  - { id: docs, op: read.jsonl, with: { path: docs.jsonl } }
  - { id: vectors, op: encode.dense, with: { model: korea } }
  - { id: out, op: write.jsonl, with: { path: out.jsonl } }
`,
    });
    const { stdout, stderr } = await millrace(folder, 'check', 'p.yaml');
    expect(`${stdout}${stderr}`.split('did you mean "korean"?')).toHaveLength(2);
  });
});
