import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelError } from '../../src/models/errors.ts';
import { linearGraph } from '../../src/models/graphs.ts';
import { installedProviders, type ProviderList, providersFor } from '../../src/models/providers.ts';
import { Session } from '../../src/models/session.ts';

const linux: ProviderList = { platform: 'linux', arch: 'x64', present: ['cpu'] };
const withCuda: ProviderList = { ...linux, present: ['cpu', 'cuda'] };
const windows: ProviderList = { platform: 'win32', arch: 'x64', present: ['cpu', 'dml'] };
const mac: ProviderList = { platform: 'darwin', arch: 'arm64', present: ['cpu', 'coreml'] };
const identity = linearGraph({ inputs: 1, outputs: 1, weight: Float32Array.of(1), activation: 'identity' });

const failure = (run: () => unknown): ModelError => {
  try {
    run();
  } catch (error) {
    return error as ModelError;
  }
  throw new Error('did not fail');
};

describe('devices', () => {
  it('auto takes the best there is, with the CPU behind it', () => {
    expect(providersFor('auto', linux)).toEqual(['cpu']);
    expect(providersFor('auto', withCuda)).toEqual(['cuda', 'cpu']);
    expect(providersFor('auto', windows)).toEqual(['dml', 'cpu']);
    expect(providersFor('auto', mac)).toEqual(['cpu']);
    expect(providersFor('coreml', mac)).toEqual(['coreml']);
    expect(providersFor('cpu', { ...linux, present: [] })).toEqual(['cpu']);
  });

  it('one that is not there is named with the way to get it', () => {
    const cuda = failure(() => providersFor('cuda', linux));
    expect(cuda.message).toMatch(/"cuda" is not available on linux-x64.*there is: cpu/);
    expect(cuda.help).toMatch(/ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node/);
    const onMac = failure(() => providersFor('cuda', mac));
    expect(onMac.help).toMatch(/use device 'cpu', or 'auto'/);
    expect(failure(() => providersFor('dml', linux)).message).toMatch(/it runs on Windows/);
  });

  it('this machine has the CPU at least', () => {
    expect(installedProviders().present).toContain('cpu');
  });
});

describe('sessions', () => {
  it('fall back to the CPU under auto where a provider does not start, and say so where it was asked for', async () => {
    if (installedProviders().present.includes('cuda')) return;
    const session = await Session.open(identity, { device: 'auto', providers: withCuda });
    expect(session.provider).toBe('cpu');
    expect(session.failed).toEqual([{ provider: 'cuda', why: expect.stringMatching(/./) }]);
    await session.close();
    await expect(Session.open(identity, { device: 'cuda', providers: withCuda })).rejects.toThrow(
      /device: "cuda" did not start/,
    );
  });

  it('run in parallel, and not after they are closed', async () => {
    const session = await Session.open(identity, { threads: 2 });
    const runs = Array.from({ length: 20 }, (_, i) =>
      session.run({ x: { type: 'float32', data: Float32Array.of(i), shape: [1, 1] } }),
    );
    expect((await Promise.all(runs)).map(result => (result.y.data as Float32Array)[0])).toEqual(
      runs.map((_, i) => i),
    );
    await session.close();
    await session.close();
    await expect(session.run({})).rejects.toThrow(/the session is closed/);
  });

  it('name the file that is no model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-session-'));
    const path = join(folder, 'broken.onnx');
    writeFileSync(path, 'not a model');
    await expect(Session.open(path)).rejects.toThrow(`${path}: ONNX Runtime cannot load it`);
    rmSync(folder, { recursive: true });
  });
});
