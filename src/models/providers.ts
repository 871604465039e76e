/** Which execution providers of ONNX Runtime can be used here, and what to do where one cannot. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from './errors.ts';
import { runtimeFolder } from './runtime.ts';

export type Device = 'auto' | 'cpu' | 'cuda' | 'dml' | 'coreml';
export type Provider = Exclude<Device, 'auto'>;

/** What the machine offers; tests give their own. */
export interface ProviderList {
  readonly platform: string;
  readonly arch: string;
  /** Providers whose libraries are there. `cpu` always is. */
  readonly present: readonly Provider[];
}

/** Looks for the libraries beside the installed onnxruntime-node. */
export function installedProviders(): ProviderList {
  const { platform, arch } = process;
  const present: Provider[] = ['cpu'];
  const folder = join(runtimeFolder(), 'bin', 'napi-v6', platform, arch);
  const has = (file: string): boolean => existsSync(join(folder, file));
  if (has('libonnxruntime_providers_cuda.so') || has('onnxruntime_providers_cuda.dll')) present.push('cuda');
  if (has('DirectML.dll')) present.push('dml');
  if (platform === 'darwin') present.push('coreml');
  return { platform, arch, present };
}

const CUDA_INSTALL =
  'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --foreground-scripts --ignore-scripts=false';

const WHERE: Record<Provider, string> = {
  cpu: 'everywhere',
  cuda: 'on Linux x64 with an NVIDIA driver, CUDA 12 and cuDNN 9',
  dml: 'on Windows',
  coreml: 'on macOS',
};

function remedy(provider: Provider, list: ProviderList): string {
  const fits =
    provider === 'cuda'
      ? list.platform === 'linux' && list.arch === 'x64'
      : provider === 'dml'
        ? list.platform === 'win32'
        : list.platform === 'darwin';
  if (!fits) return "use device 'cpu', or 'auto' for the best there is";
  if (provider === 'cuda')
    return `its libraries are not in the npm package; fetch them with: ${CUDA_INSTALL}`;
  return 'install onnxruntime-node again: its package brings this provider';
}

/**
 * The providers to open a session with, the best first.
 *
 * `auto` is CUDA where its libraries are there, DirectML on Windows, else the CPU, and falls back to the CPU where one
 * cannot start. CoreML must be asked for: it compiles a model for each shape, which costs more than it gains on rows of
 * changing length.
 * @throws ModelError where the device asked for is not there, with the command that installs it
 */
export function providersFor(device: Device, list: ProviderList = installedProviders()): Provider[] {
  if (device === 'cpu') return ['cpu'];
  if (device === 'auto') {
    const best = (['cuda', 'dml'] as const).filter(p => list.present.includes(p));
    return [...best, 'cpu'];
  }
  if (!list.present.includes(device)) {
    throw new ModelError(
      `device: "${device}" is not available on ${list.platform}-${list.arch}; it runs ${WHERE[device]}; there is: ${list.present.join(', ')}`,
      { help: remedy(device, list) },
    );
  }
  return [device];
}

/** What to say where the library is there and the device still does not start. */
export function startFailure(provider: Provider, path: string, cause: unknown): ModelError {
  const help =
    provider === 'cuda'
      ? "check the driver (nvidia-smi), CUDA 12 and cuDNN 9 on the library path, or use device 'cpu'"
      : "use device 'cpu'";
  return new ModelError(`device: "${provider}" did not start for ${path} (${(cause as Error).message})`, {
    cause,
    help,
  });
}
