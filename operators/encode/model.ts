/** What steps that run an encoder share: their parameters, where the model is, what it holds, what it gives. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Column } from '../../src/arrow/index.ts';
import { hint, nearest, UserError } from '../../src/define/index.ts';
import {
  dimensionOf,
  type Encoder,
  type EncoderInfo,
  type EncoderOptions,
  embeddedNames,
  fusionWeightOf,
  locateModel,
  ModelError,
  modelFiles,
  modelPrint,
  openEncoder,
  parseReference,
  type ResolvedModel,
  resolveModel,
} from '../../src/models/index.ts';

/** Parameters of every step that encodes. */
export const encoderParams = {
  model: z
    .string()
    .default('default')
    .describe('the encoder: an embedded one (default, korean), a folder, or hf:ORG/NAME[@REVISION][:FILE]'),
  side: z
    .enum(['query', 'passage'])
    .optional()
    .describe(
      'which prefix, and of a pair of encoders which; default: query for a column "question", else passage',
    ),
  dimension: z
    .int()
    .positive()
    .optional()
    .describe('cuts vectors to so many leading numbers (Matryoshka); default: all the model gives'),
  pooling: z
    .enum(['mean', 'cls', 'last', 'max', 'none'])
    .optional()
    .describe('how token vectors become one; default: as the files of the model say'),
  normalize: z
    .boolean()
    .optional()
    .describe('whether vectors are brought to length 1; default: as the files of the model say'),
  prefix: z
    .string()
    .optional()
    .describe(
      'what is put in front of each text; default: as the files of the model say; ColBERT models take none',
    ),
  maxTokens: z.int().positive().optional().describe('longest text in tokens; default: what the model takes'),
  output: z.string().optional().describe("the model's output to take; default: the fitting one"),
  device: z
    .enum(['auto', 'cpu', 'cuda', 'dml', 'coreml'])
    .default('cpu')
    .describe('where the model runs')
    .meta(hint()),
  threads: z.int().positive().default(1).describe('threads of the model').meta(hint()),
  batchTokens: z
    .int()
    .positive()
    .optional()
    .describe('padded tokens that run at once; default: 4,096, on a GPU 16,384')
    .meta(hint()),
} as const;

const schema = z.strictObject(encoderParams);
export type EncoderParams = z.output<typeof schema>;

interface Paths {
  path(relative: string): string;
}

interface Telling extends Paths {
  warn(message: string): void;
}

/** A model's name, where it is a path made absolute. */
export function modelName(model: string, ctx: Paths): string {
  try {
    return parseReference(model, embeddedNames()).kind === 'folder' ? resolve(ctx.path(model)) : model;
  } catch (error) {
    throw asModelError(error);
  }
}

/** An error of a model as the user sees it; any other as it is. */
export function asModelError(error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  return new UserError(error.message, { help: error.help, cause: error });
}

const missing = (model: string, message: string, help?: string): UserError =>
  new UserError(message, {
    help: help ?? `fetch it: millrace models add ${model}`,
    cause: { code: 'ENOENT' },
  });

/** Where a model is on this machine. @throws UserError where it is not here: a warning in check, an error in a run */
export function located(model: string, ctx: Paths): ResolvedModel {
  let found: ResolvedModel | undefined;
  try {
    found = locateModel(modelName(model, ctx));
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const near = parseReference(model, embeddedNames()).kind === 'folder' && nearest(model, embeddedNames());
    throw missing(model, error.message, near ? `did you mean "${near}"?` : error.help);
  }
  if (!found) throw missing(model, `model "${model}": is not on this machine`);
  return found;
}

/** The files of a model that decide what it gives. */
export function modelAssets(model: string, ctx: Paths): string[] {
  const found = located(model, ctx);
  try {
    return modelFiles(found);
  } catch (error) {
    if (error instanceof ModelError) throw missing(model, error.message, error.help);
    throw error;
  }
}

/** What a run takes of the CPU's memory where nothing is said: on a GPU, activations are in its own. */
const BATCH_TOKENS = 4096;

/** Bytes of a loaded model and of what one run of it needs, from the sizes of its files. */
export function modelBytes(model: string, batchTokens: number | undefined, ctx: Paths): number {
  const bytes = modelAssets(model, ctx).reduce((sum, file) => sum + statSync(file).size, 0);
  // weights once, packed for the kernels; the vocabulary as objects; activations of a batch
  return Math.ceil(bytes * 1.5) + (48 << 20) + (batchTokens ?? BATCH_TOKENS) * 8192;
}

/** The length of a model's vectors; 0 where it cannot be known before the model is here. */
export function vectorSize(p: Pick<EncoderParams, 'model' | 'dimension' | 'output'>, ctx: Paths): number {
  if (p.dimension !== undefined) return p.dimension;
  const found = planned(p.model, ctx);
  return (found && dimensionOf(found.folder, { file: found.file, output: p.output })) ?? 0;
}

/** What lists of hits by a model's vectors count for; undefined where the model is not here yet. */
export function fusionWeight(model: string, ctx: Paths): number | undefined {
  const found = planned(model, ctx);
  return found && fusionWeightOf(found.folder);
}

/** Where a model is, for what a plan asks of it; undefined where it is not here yet. */
export function planned(model: string, ctx: Paths): ResolvedModel | undefined {
  try {
    return located(model, ctx);
  } catch (error) {
    // said where its files are looked for
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A column of a model's vectors, which says whose they are where that is known. */
export function encodedBy(column: Column, p: Pick<EncoderParams, 'model'>, ctx: Paths): Column {
  const found = planned(p.model, ctx);
  if (!found) return column;
  return { ...column, metadata: { model: p.model, modelHash: modelPrint(modelFiles(found)) } };
}

/** The side of a column of texts. */
export const sideOf = (p: Pick<EncoderParams, 'side'>, column: string): 'query' | 'passage' =>
  p.side ?? (column === 'question' ? 'query' : 'passage');

/** Tells what a model runs on, where that was left to the machine. */
export function tellDevice(
  p: Pick<OpenedParams, 'device' | 'model'>,
  { provider, failed }: Pick<EncoderInfo, 'provider' | 'failed'>,
  ctx: Telling,
): void {
  if (p.device !== 'auto') return;
  const why = failed.map(f => `; ${f.provider} did not start (${f.why})`).join('');
  const none = provider === 'cpu' && failed.length === 0 ? '; no other provider is installed' : '';
  ctx.warn(`device auto: "${p.model}" runs on ${provider}${why}${none}`);
}

/** What opening needs; the rest has its default. */
export type OpenedParams = Partial<EncoderParams> & Pick<EncoderParams, 'model'>;

/** Opens the encoder of a step. @throws UserError */
export async function openModel(p: OpenedParams, side: 'query' | 'passage', ctx: Telling): Promise<Encoder> {
  try {
    const name = modelName(p.model, ctx);
    const model = await resolveModel(name, { offline: true });
    const options: EncoderOptions = {
      name: p.model,
      file: model.file,
      device: p.device,
      threads: p.threads,
      batchTokens: p.batchTokens,
      pooling: p.pooling,
      normalize: p.normalize,
      dimension: p.dimension,
      maxTokens: p.maxTokens,
      output: p.output,
      ...(p.prefix !== undefined && { prefixes: { [side]: p.prefix } }),
    };
    const encoder = await openEncoder(model.folder, options);
    tellDevice(p, encoder.info, ctx);
    return encoder;
  } catch (error) {
    throw asModelError(error);
  }
}

/** Opens the encoder of a step whose vectors have the length that was planned. @throws UserError */
export async function openPlanned(
  p: EncoderParams,
  side: 'query' | 'passage',
  ctx: Telling,
): Promise<Encoder> {
  const encoder = await openModel(p, side, ctx);
  if (encoder.dimension === vectorSize(p, ctx)) return encoder;
  await encoder.close();
  throw new UserError(
    `with.model: "${p.model}" gives vectors of ${encoder.dimension} numbers, which its files do not say`,
    { help: `set dimension: ${encoder.dimension}` },
  );
}

/** Whether results of a model are worth keeping: an embedded one is quicker than a look-up. */
export const worthKeeping = (p: { readonly model: string }): boolean => !embeddedNames().includes(p.model);
