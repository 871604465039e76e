/** Modules of a sentence-transformers export besides the transformer itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pooling } from './conventions.ts';
import { ModelError } from './errors.ts';
import { type JsonObject, readConfig, textOf } from './folder.ts';
import type { Activation, LinearLayer } from './graphs.ts';
import { readSafetensors } from './safetensors.ts';

const MODES: Record<string, Pooling> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_max_tokens: 'max',
  pooling_mode_lasttoken: 'last',
};

/** What a Pooling module's config says. @throws ModelError where it is a mode that is not known, or several at once */
export function poolingOf(folder: string, path: string, config: JsonObject): Pooling {
  const where = join(folder, path, 'config.json');
  const on = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true);
  const known = on.map(key => MODES[key]);
  if (on.length !== 1 || known[0] === undefined) {
    throw new ModelError(
      `${where}: pooling is ${on.join(' + ') || 'not set'}; known are ${Object.keys(MODES).join(', ')}, one at a time`,
      { help: 'give the pooling yourself' },
    );
  }
  if (config.include_prompt === false) {
    throw new ModelError(`${where}: include_prompt is false, and prompts are always pooled here`, {
      help: 'export the model with include_prompt true',
    });
  }
  return known[0];
}

const ACTIVATIONS: Record<string, Activation> = {
  Identity: 'identity',
  Tanh: 'tanh',
  ReLU: 'relu',
  GELU: 'gelu',
};

/** A Dense module: its weights, bias and activation. */
export async function denseLayer(folder: string, path: string): Promise<LinearLayer> {
  const config = (await readConfig(folder, join(path, 'config.json'))) ?? {};
  const file = join(folder, path, 'model.safetensors');
  if (!existsSync(file)) {
    throw new ModelError(
      `${join(folder, path)}: no model.safetensors (a pickled pytorch_model.bin is not read)`,
      {
        help: 'save the model again with a current sentence-transformers, which writes safetensors',
      },
    );
  }
  const tensors = await readSafetensors(file, ['linear.weight', 'linear.bias']);
  const weight = tensors.get('linear.weight');
  if (weight?.shape.length !== 2) throw new ModelError(`${file}: has no matrix "linear.weight"`);
  const name =
    (textOf(config.activation_function) ?? 'torch.nn.modules.linear.Identity').split('.').at(-1) ?? '';
  const activation = ACTIVATIONS[name];
  if (activation === undefined) {
    throw new ModelError(
      `${join(folder, path, 'config.json')}: activation "${name}" is not known; known are ${Object.keys(ACTIVATIONS).join(', ')}`,
    );
  }
  const [outputs, inputs] = weight.shape;
  return { inputs, outputs, weight: weight.data, bias: tensors.get('linear.bias')?.data, activation };
}
