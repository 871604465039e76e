/** ONNX Runtime sessions: opening with a device, running, closing. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.ts';
import { halfToFloat } from './float16.ts';
import { type Device, type Provider, type ProviderList, providersFor, startFailure } from './providers.ts';
import { type Runtime, runtime } from './runtime.ts';

export interface SessionOptions {
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads inside one operator. Default 1: several workers with one thread each use a machine better. */
  readonly threads?: number;
  readonly providers?: ProviderList;
  /** Default: the installed ONNX Runtime. */
  readonly runtime?: Runtime;
}

/**
 * How a session is opened for a provider. Memory that a shape needed is planned once and kept for it, which is why
 * devices run in shapes that repeat; DirectML knows no such plans, and runs one operator after the other. Inputs and
 * outputs pass through the memory of the CPU: the binding for Node has no other way.
 */
export function sessionSettings(provider: Provider, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableMemPattern: provider !== 'dml',
    logSeverityLevel: 3,
  };
}

export type Feed =
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly shape: readonly number[] }
  | { readonly type: 'int32'; readonly data: Int32Array; readonly shape: readonly number[] }
  | { readonly type: 'float32'; readonly data: Float32Array; readonly shape: readonly number[] }
  /** The bits of half-precision numbers. */
  | { readonly type: 'float16'; readonly data: Uint16Array; readonly shape: readonly number[] };

export interface Output {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;
}

export interface PortInfo {
  readonly name: string;
  readonly type: string;
  /** A string names a dimension that is only known at run time. */
  readonly shape: readonly (number | string)[];
}

const ports = (metadata: readonly InferenceSession.ValueMetadata[]): PortInfo[] =>
  metadata.map(m => ({
    name: m.name,
    type: m.isTensor ? m.type : 'other',
    shape: m.isTensor ? m.shape : [],
  }));

function outputOf(tensor: Tensor): Output {
  if (tensor.type === 'float16') {
    const bits = tensor.data as unknown as ArrayLike<number>;
    // newer Node gives a Float16Array, whose items are numbers already
    const floats =
      bits instanceof Uint16Array ? Float32Array.from(bits, halfToFloat) : Float32Array.from(bits);
    return { shape: tensor.dims, data: floats };
  }
  return { shape: tensor.dims, data: tensor.data as Output['data'] };
}

export interface FailedProvider {
  readonly provider: Provider;
  readonly why: string;
}

/** A loaded model. Runs hold the event loop while they compute: use it in a worker where others must answer. */
export class Session {
  readonly path: string;
  readonly provider: Provider;
  /** Better providers that did not start, and why. */
  readonly failed: readonly FailedProvider[];
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly #runtime: Runtime;
  #session: InferenceSession | undefined;

  private constructor(
    session: InferenceSession,
    path: string,
    provider: Provider,
    failed: readonly FailedProvider[],
    library: Runtime,
  ) {
    this.#session = session;
    this.#runtime = library;
    this.path = path;
    this.provider = provider;
    this.failed = failed;
    this.inputs = ports(session.inputMetadata);
    this.outputs = ports(session.outputMetadata);
  }

  /**
   * @param model a path, or the bytes of a model
   * @throws ModelError where the device is not there or the file is no model
   */
  static async open(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const { device = 'cpu', threads = 1 } = options;
    const path = typeof model === 'string' ? model : 'a graph in memory';
    const wanted = providersFor(device, options.providers);
    const library = options.runtime ?? runtime();
    const { InferenceSession } = library;
    const failed: FailedProvider[] = [];
    for (const [i, provider] of wanted.entries()) {
      const settings = sessionSettings(provider, threads);
      try {
        const session = await (typeof model === 'string'
          ? InferenceSession.create(model, settings)
          : InferenceSession.create(model, settings));
        return new Session(session, path, provider, failed, library);
      } catch (cause) {
        if (provider === 'cpu') {
          throw new ModelError(`${path}: ONNX Runtime cannot load it (${(cause as Error).message})`, {
            cause,
            help: 'check that the file is an ONNX model and complete (a model over 2 GB needs its .onnx_data file beside it)',
          });
        }
        if (i === wanted.length - 1) throw startFailure(provider, path, cause);
        failed.push({ provider, why: (cause as Error).message.split('\n')[0] });
      }
    }
    throw new ModelError(`${path}: no execution provider`);
  }

  /** Runs once. @throws Error after close */
  async run(
    feeds: Readonly<Record<string, Feed>>,
    fetch?: readonly string[],
  ): Promise<Record<string, Output>> {
    if (!this.#session) throw new Error(`${this.path}: the session is closed`);
    const { Tensor } = this.#runtime;
    const tensors: Record<string, Tensor> = {};
    for (const [name, feed] of Object.entries(feeds))
      tensors[name] = new Tensor(feed.type, feed.data, [...feed.shape]);
    const result = fetch ? await this.#session.run(tensors, [...fetch]) : await this.#session.run(tensors);
    const found: Record<string, Output> = {};
    for (const [name, tensor] of Object.entries(result)) found[name] = outputOf(tensor as Tensor);
    return found;
  }

  /** Frees the model's memory. A second call does nothing. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }
}
