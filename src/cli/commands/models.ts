import { formatBytes } from '../../define/units.ts';
import type { ModelDescription, Progress } from '../../models/index.ts';
import { defineCommand, type Io, oneText } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { modelName } from '../model-name.ts';
import { counted, left, right, tableLines } from '../table.ts';
import { canRedraw } from '../terminal.ts';

const ACTIONS = ['list', 'add', 'info', 'verify', 'remove'] as const;

/** What adding did where it fetched nothing. */
const WHERE: Readonly<Record<string, string>> = {
  embedded: ' (comes with the package)',
  folder: ' (a model; used where it is, nothing was copied)',
};

const library = () => import('../../models/index.ts');

async function list(json: boolean, io: Io): Promise<number> {
  const { listModels } = await library();
  const found = await listModels();
  if (json) {
    io.json(found);
    return EXIT.ok;
  }
  const rows = found.map(m => [io.style.cyan(m.name), m.from, formatBytes(m.bytes), m.folder]);
  const columns = [left('model'), left('from'), right('size'), left('folder')];
  for (const line of tableLines(columns, rows, { title: io.style.dim })) io.out(line);
  io.err(
    io.errStyle.dim(`${counted(found.length, 'model')}; millrace models add hf:ORG/NAME fetches another`),
  );
  return EXIT.ok;
}

/** Tells how far a file is: redrawn on a terminal, else once when it is there. */
function progressOf(io: Io): (progress: Progress) => void {
  const redraw = canRedraw(io.screen as { isTTY?: boolean });
  const done = new Set<string>();
  return ({ file, bytes, total }) => {
    const whole = total !== undefined && bytes >= total;
    const text = `${file}: ${formatBytes(bytes)}${total === undefined || whole ? '' : ` of ${formatBytes(total)}`}`;
    if (redraw) io.screen.write(`\r\u001b[K${text}${whole ? '\n' : ''}`);
    else if (whole && !done.has(file)) io.err(text);
    if (whole) done.add(file);
  };
}

/** What `device: auto` tries here, the best first. */
const autoText = (providers: readonly string[]): string =>
  providers.length < 2
    ? 'the CPU; no other provider is installed'
    : `${providers.filter(p => p !== 'cpu').join(', ')}, and the CPU where that does not start`;

function describe(d: ModelDescription, shown: string, runsOn: readonly string[], io: Io): void {
  const { encoder } = d;
  const rows: [string, string][] = [
    ['folder', d.folder],
    ['from', d.commit && d.from !== 'embedded' ? `${d.from}, commit ${d.commit}` : d.from],
  ];
  if (d.kind) rows.push(['kind', d.kind]);
  if (d.pair) rows.push(['longest pair', `${d.pair.maxTokens} tokens (${d.pair.source})`]);
  if (encoder) {
    const of = (key: string): string => (encoder.sources[key] ? ` (${encoder.sources[key]})` : '');
    const { query, passage } = encoder.prefixes;
    rows.push(
      ['dimension', d.dimension === undefined ? 'its files do not say' : String(d.dimension)],
      ['pooling', `${encoder.pooling}${of('pooling')}`],
      ['normalised', `${encoder.normalize ? 'yes' : 'no'}${of('normalize')}`],
      ['longest text', `${encoder.maxTokens} tokens${of('maxTokens')}`],
      ['prefixes', `query ${JSON.stringify(query)}, passage ${JSON.stringify(passage)}${of('prefixes')}`],
    );
    rows.push(['merge.hits weight', String(d.fusionWeight)]);
  } else if (d.problem !== undefined) rows.push(['no encoder', d.problem]);
  if (!d.problem) rows.push(['device auto', autoText(runsOn)]);
  for (const file of d.files)
    rows.push([
      'file',
      `${file.path}, ${formatBytes(file.bytes)}${file.sha256 ? `, sha256 ${file.sha256}` : ''}`,
    ]);
  io.out(io.style.bold(shown));
  const lines = rows.map(([name, value], i) => [
    io.style.dim(i > 0 && rows[i - 1][0] === name ? '' : name),
    value,
  ]);
  for (const line of tableLines([left(''), left('')], lines, { indent: 2 })) io.out(line);
}

export const command = defineCommand({
  usage: 'models <action> [model]',
  summary: 'Lists models, fetches them, says what they are, verifies their files.',
  text: `A model is an embedded one (default), a folder with an ONNX file and tokenizer.json, or hf:ORG/NAME[@REVISION][:FILE].
Fetched models lie under the user's cache folder (MILLRACE_CACHE). HF_ENDPOINT, HF_TOKEN, HTTPS_PROXY and NO_PROXY are
respected; a download that was stopped goes on where it was.`,
  build: y =>
    y
      .positional('action', { choices: ACTIONS, demandOption: true, describe: 'what to do' })
      .positional('model', { type: 'string', describe: 'a model', coerce: oneText('model') })
      .option('offline', {
        type: 'boolean',
        default: false,
        describe: 'use only what is on this machine (MILLRACE_OFFLINE)',
      })
      .example('$0 list', 'embedded and fetched ones, and those another tool left in its cache')
      .example('$0 add hf:intfloat/multilingual-e5-small', 'fetch it')
      .example('$0 info default', 'pooling, prefixes, length, files, and where each was found')
      .example('$0 verify default', 'compare the files with the checksums kept beside them'),
  run: async (args, io) => {
    const { action, json } = args;
    if (action === 'list') return list(json, io);
    if (args.model === undefined)
      throw new UsageError(`models ${action}: a model is missing`, {
        help: `usage: millrace models ${action} MODEL`,
      });
    const models = await library();
    const name = await modelName(args.model, args.root);
    if (action === 'add') {
      const offline = args.offline || undefined;
      const found = await models.addModel(name, { offline, onProgress: progressOf(io) });
      if (found.from === 'folder') {
        const { problem } = await models.infoModel(name);
        if (problem !== undefined)
          throw new models.ModelError(`model "${args.model}": ${problem}`, {
            help: 'wanted a folder with an ONNX file and tokenizer.json, or one of a static model; models info says what it has',
          });
      }
      if (json) io.json(found);
      else io.out(`${args.model}: ${found.folder}${WHERE[found.from] ?? ''}`);
      return EXIT.ok;
    }
    if (action === 'info') {
      const found = await models.infoModel(name);
      const runsOn = models.providersFor('auto');
      if (json) io.json({ ...found, auto: runsOn });
      else describe(found, args.model, runsOn, io);
      return EXIT.ok;
    }
    if (action === 'remove') {
      const gone = await models.removeModel(name);
      if (gone.length === 0)
        throw new models.ModelError(`model "${args.model}": is not in the cache`, {
          help: 'millrace models list shows what is',
        });
      if (json) io.json({ removed: gone });
      else io.out(`${args.model}: removed`);
      return EXIT.ok;
    }
    const verdicts = await models.verifyModel(name);
    const bad = verdicts.filter(v => !v.ok);
    if (json) io.json({ model: args.model, ok: bad.length === 0, files: verdicts });
    else {
      const state = bad.length === 0 ? io.style.green('ok') : io.style.red('damaged');
      io.out(`${args.model}: ${state}, ${counted(verdicts.length, 'file')}`);
      for (const v of bad) io.out(`  ${v.path}: ${v.problem}`);
      if (bad.length > 0) io.err('help: fetch the model again: millrace models add MODEL');
    }
    return bad.length === 0 ? EXIT.ok : EXIT.failed;
  },
});
