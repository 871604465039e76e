/** Finds out from a model folder what its encoder is: sentence-transformers exports, bare ones, DPR pairs, ColBERT. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { conventionOf, type Pooling, type Prefixes } from './conventions.ts';
import type { EncoderOverrides, EncoderSpec, LateSpec } from './encoder-spec.ts';
import { ModelError } from './errors.ts';
import { inside, type JsonObject, numberOf, readConfig, textOf } from './folder.ts';
import type { LinearLayer } from './graphs.ts';
import { lateSpecOf } from './late-config.ts';
import { lengthOf } from './length.ts';
import { denseLayer, poolingOf } from './modules.ts';
import { modulesIn, onnxFileOf, sidesOf, tableFolderOf } from './parts.ts';
import { ownName } from './reference.ts';
import { staticTableOf } from './static-table.ts';

const DEFAULT_MAX_TOKENS = 512;

interface Modules {
  readonly transformer: string;
  readonly pooling?: Pooling;
  readonly layers: readonly LinearLayer[];
  readonly normalize: boolean;
}

async function modulesOf(folder: string): Promise<Modules | undefined> {
  // read first, so that a file that is no JSON is said
  if (!Array.isArray(await readConfig(folder, 'modules.json'))) return undefined;
  let transformer = '';
  let pooling: Pooling | undefined;
  let normalize = false;
  const layers: LinearLayer[] = [];
  for (const { kind, type, path } of modulesIn(folder) ?? []) {
    if (kind === 'Transformer') transformer = path;
    else if (kind === 'Pooling')
      pooling = poolingOf(folder, path, (await readConfig(folder, join(path, 'config.json'))) ?? {});
    else if (kind === 'Dense') layers.push(await denseLayer(folder, path));
    else if (kind === 'Normalize') normalize = true;
    else if (kind === 'StaticEmbedding') {
      transformer = path;
    } else {
      throw new ModelError(`${join(folder, 'modules.json')}: module type "${type}" is not known`, {
        help: 'known: Transformer, Pooling, Dense, Normalize, StaticEmbedding',
      });
    }
  }
  return { transformer, pooling, layers, normalize };
}

function promptsOf(config: JsonObject | undefined): Prefixes | undefined {
  const prompts = config?.prompts as Record<string, unknown> | undefined;
  if (!prompts || typeof prompts !== 'object') return undefined;
  const first = (...names: string[]): string | undefined =>
    names.map(name => textOf(prompts[name])).find(text => text !== undefined);
  const query = first('query', 'retrieval.query', 'search_query', 'web_search_query');
  const passage = first('passage', 'document', 'retrieval.passage', 'search_document');
  const standard = textOf(config?.default_prompt_name);
  const both = standard === undefined ? undefined : textOf(prompts[standard]);
  if (query === undefined && passage === undefined && both === undefined) return undefined;
  const found = { query: query ?? both ?? '', passage: passage ?? both ?? '' };
  // sentence-transformers 5 writes two empty ones for every model: nothing is said by them
  return found.query === '' && found.passage === '' ? undefined : found;
}

/** A ColBERT model whose texts are cut sooner. */
const shortened = (late: LateSpec, maxTokens = Number.POSITIVE_INFINITY): LateSpec => ({
  ...late,
  queryTokens: Math.min(late.queryTokens, maxTokens),
  passageTokens: Math.min(late.passageTokens, maxTokens),
});

async function singleSpec(
  folder: string,
  overrides: EncoderOverrides,
  nameHint?: string,
): Promise<EncoderSpec> {
  const modules = await modulesOf(folder);
  const root = join(folder, modules?.transformer ?? '');
  const own = await readConfig(folder, 'encoder.json');
  const config = (await readConfig(root, 'config.json')) ?? (await readConfig(folder, 'config.json'));
  const transformers = await readConfig(folder, 'config_sentence_transformers.json');
  const names = [nameHint, textOf(config?._name_or_path), folder].filter(n => n !== undefined);
  const convention = names.map(name => conventionOf(ownName(name))).find(c => c !== undefined);
  const byName = convention ? `convention of ${convention.family}` : 'default';

  const tokenizer = [join(root, 'tokenizer.json'), join(folder, 'tokenizer.json')].find(existsSync);
  if (tokenizer === undefined) {
    throw new ModelError(`${folder}: no tokenizer.json`, {
      help: 'export one: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER) in Python',
    });
  }
  const isStatic = tableFolderOf(folder) !== undefined;
  const tokenizerConfig =
    (await readConfig(root, 'tokenizer_config.json')) ?? (await readConfig(folder, 'tokenizer_config.json'));
  const told = await lateSpecOf(folder, transformers, tokenizerConfig);
  const late = told && shortened(told, overrides.maxTokens);
  if (late && Object.values(overrides.prefixes ?? {}).some(prefix => prefix !== undefined)) {
    throw new ModelError(
      `prefix: ${nameHint ?? folder} is a ColBERT model, which has markers in their place`,
      {
        help: 'leave it out',
      },
    );
  }
  const prompts = promptsOf(transformers);
  const [length, lengthSource] = isStatic
    ? [numberOf(config?.seq_length) ?? DEFAULT_MAX_TOKENS, 'static model']
    : await lengthOf([root, folder]);
  const onnx = isStatic ? await staticTableOf(root) : onnxFileOf(folder, overrides.file);

  const set = {
    pooling:
      (textOf(own?.pooling) as Pooling) ??
      (isStatic ? 'none' : (modules?.pooling ?? convention?.pooling ?? 'mean')),
    normalize:
      (own?.normalize as boolean) ??
      (isStatic && !modules
        ? config?.normalize !== false
        : modules
          ? modules.normalize
          : (convention?.normalize ?? true)),
    maxTokens: numberOf(own?.maxTokens) ?? length,
    prefixes: (own?.prefixes as Prefixes) ?? prompts ?? convention?.prefixes ?? { query: '', passage: '' },
    specials: (own?.specials as boolean) ?? !isStatic,
    drop: (own?.drop as string[]) ?? (isStatic ? ['[UNK]', '<unk>'] : []),
  };
  const from = (key: string, otherwise: string): string =>
    (overrides as JsonObject)[key] !== undefined
      ? 'given'
      : own?.[key] !== undefined
        ? 'encoder.json'
        : otherwise;
  const prefixes = { ...set.prefixes, ...overrides.prefixes };
  return {
    name: nameHint ?? textOf(own?.name) ?? basename(folder),
    onnx,
    tokenizer,
    pooling: overrides.pooling ?? set.pooling,
    output: overrides.output ?? textOf(own?.output),
    layers: modules?.layers ?? [],
    normalize: overrides.normalize ?? (late ? true : set.normalize),
    dimension: overrides.dimension,
    maxTokens: late ? late.passageTokens : (overrides.maxTokens ?? set.maxTokens),
    prefixes: late ? { query: '', passage: '' } : prefixes,
    specials: overrides.specials ?? set.specials,
    drop: set.drop,
    late,
    sources: {
      onnx: typeof onnx === 'string' ? inside(folder, onnx) : 'model.safetensors',
      pooling: from('pooling', isStatic ? 'static model' : modules?.pooling ? 'modules.json' : byName),
      normalize: from('normalize', modules ? 'modules.json' : byName),
      maxTokens: from('maxTokens', late ? late.source : lengthSource),
      prefixes: from('prefixes', prompts ? 'config_sentence_transformers.json' : byName),
    },
  };
}

/**
 * What the encoder in a folder is.
 *
 * Read, in this order: the caller's settings, encoder.json (this library's own: pooling, normalize, maxTokens, prefixes,
 * specials, output), the files of sentence-transformers (modules.json and what it names, sentence_bert_config.json,
 * config_sentence_transformers.json), of ColBERT (artifact.metadata, or PyLate's settings), then conventions by name. A
 * folder with `question_encoder` and `ctx_encoder` inside is a pair of encoders (DPR).
 * @throws ModelError where a file is missing or says what is not known
 */
export async function readEncoderSpec(
  folder: string,
  overrides: EncoderOverrides = {},
  name?: string,
): Promise<EncoderSpec> {
  if (!existsSync(folder)) {
    throw new ModelError(`model folder ${folder}: is not there`, {
      help: 'give a folder with an ONNX file and tokenizer.json, or hf:ORG/NAME',
    });
  }
  const { passage, query } = sidesOf(folder);
  if (query === undefined) return singleSpec(folder, overrides, name);
  const hint = name ?? basename(folder);
  // DPR's encoders are the first token's vector, compared by dot product
  const dpr: EncoderOverrides = { pooling: 'cls', normalize: false, ...overrides };
  const base = await singleSpec(passage, dpr, hint);
  return { ...base, name: hint, querySide: await singleSpec(query, dpr, hint) };
}
