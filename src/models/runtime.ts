/** ONNX Runtime, which runs models. Loaded at the first session: it takes tens of milliseconds and megabytes. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { ModelError } from './errors.ts';

const require = createRequire(import.meta.url);

// npm leaves an optional package out where its install script fails, as this one's does where a download is refused
function found<T>(find: () => T): T {
  try {
    return find();
  } catch (cause) {
    const [why] = (cause as Error).message.split('\n');
    throw new ModelError(`onnxruntime-node, which models run in, cannot be loaded: ${why}`, {
      help: '`npm install --ignore-scripts onnxruntime-node@1.30`: its script only fetches CUDA, what the CPU needs is in the package',
      cause,
    });
  }
}

/** What sessions need of ONNX Runtime; tests give their own. */
export type Runtime = Pick<typeof import('onnxruntime-node'), 'Tensor'> & {
  readonly InferenceSession: Pick<typeof import('onnxruntime-node')['InferenceSession'], 'create'>;
};

/** @throws ModelError where it is not installed */
export const runtime = (): typeof import('onnxruntime-node') => found(() => require('onnxruntime-node'));

/** The folder of the installed package. @throws ModelError where it is not installed */
export const runtimeFolder = (): string =>
  found(() => dirname(require.resolve('onnxruntime-node/package.json')));
