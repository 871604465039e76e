/** The files of a new project, as text. */
import { stringify } from 'yaml';
import type { Pipeline } from '../../define/index.ts';
import type { Look } from './look.ts';

/** Texts longer than this are searched in passages: a hit should be something to read, not a book. */
const LONG_TEXT = 250;
const PASSAGE_WORDS = 100;

const INDEX = 'indexes/corpus';

export interface Project {
  readonly name: string;
  /** The corpus as the pipeline names it. */
  readonly corpus: string;
  readonly look: Look;
  /** What package.json says of the package: a version, or `file:` and a folder. */
  readonly dependency: string;
  readonly typescript: boolean;
}

/** Whether titles are searched with the texts: where documents have some. */
const hasTitles = (look: Look): boolean => look.rows.some(row => row.title !== undefined);

/** Whether documents are cut into passages before they are indexed. */
export const inPassages = (look: Look): boolean => look.words > LONG_TEXT;

function indexPipeline({ corpus, look }: Project): Pipeline {
  return {
    name: 'index',
    description: `Builds a search index over ${corpus}`,
    steps: [
      { id: 'documents', op: look.corpus.op, with: { path: corpus, ...look.params } },
      ...(inPassages(look) ? [{ id: 'passages', op: 'split.passages', with: { words: PASSAGE_WORDS } }] : []),
      ...(hasTitles(look) ? [{ id: 'titled', op: 'concat.title' }] : []),
      { id: 'index', op: 'index.sparse', with: { path: INDEX, analyzer: look.analyzer.name } },
    ],
  };
}

function searchPipeline({ corpus, look }: Project): Pipeline {
  const squad = look.corpus.op === 'read.squad';
  return {
    name: 'search',
    description: 'Answers questions with the best hits of the index',
    steps: [
      squad
        ? { id: 'questions', op: 'read.squad', with: { path: corpus, take: 'questions' } }
        : { id: 'questions', op: 'read.jsonl', with: { path: 'questions.jsonl', key: 'question_id' } },
      { id: 'hits', op: 'search.sparse', with: { index: INDEX, k: 10 } },
      { id: 'out', op: 'write.jsonl', with: { path: 'out/hits.jsonl' } },
      ...(squad ? [{ id: 'retrieval', op: 'evaluate.retrieval', from: 'hits' }] : []),
    ],
  };
}

/** A definition as YAML, with the schema for editors in its first line. */
const yamlText = (definition: Pipeline): string =>
  `# yaml-language-server: $schema=../node_modules/millrace/docs/pipeline.schema.json\n${stringify(
    definition,
    {
      lineWidth: 100,
    },
  )}`;

/** A value as TypeScript: JSON with single quotes, and keys without where they can be. */
function literal(value: unknown, indent: string): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const flat = (inner: unknown): boolean => typeof inner !== 'object' || inner === null;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map(v => `${inner}${literal(v, inner)},\n`).join('')}${indent}]`;
  }
  const entries = Object.entries(value).map(
    ([key, v]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : literal(key, inner)}: ${literal(v, inner)}`,
  );
  const values = Object.values(value);
  const oneLine = `{ ${entries.join(', ')} }`;
  const simple = values.every(v => flat(v) || (!Array.isArray(v) && Object.values(v as object).every(flat)));
  if (indent !== '' && simple && oneLine.length + indent.length < 108) return oneLine;
  return `{\n${entries.map(e => `${inner}${e},\n`).join('')}${indent}}`;
}

const typescriptText = (definition: Pipeline): string =>
  `import { pipeline } from 'millrace';\n\nexport default pipeline(${literal(definition, '')});\n`;

/** Questions to try the search with: titles, or the first words of texts. */
function questions(look: Look): string {
  const step = Math.max(1, Math.floor(look.rows.length / 3));
  const picked = look.rows.filter((_, i) => i % step === 0).slice(0, 3);
  return picked
    .map(({ title, text }, i) => {
      const question = title ?? text.split(/\s+/).filter(Boolean).slice(0, 8).join(' ');
      return `${JSON.stringify({ question_id: `q${i + 1}`, question })}\n`;
    })
    .join('');
}

function readme({ name, corpus, look, typescript }: Project): string {
  const ending = typescript ? 'ts' : 'yaml';
  const squad = look.corpus.op === 'read.squad';
  const passages = inPassages(look) ? `, in passages of ${PASSAGE_WORDS} words` : '';
  return `# ${name}

Search over \`${corpus}\`${passages}, with Millrace.

\`\`\`
npm install
npx millrace run index          # reads the corpus, builds ${INDEX}
npx millrace search ${INDEX} "your words"
npx millrace run search         # ${squad ? 'every question of the corpus' : 'every question in questions.jsonl'}, hits into out/hits.jsonl
\`\`\`

- \`pipelines/index.${ending}\` says how the index is built. After a change: \`npx millrace check index\`, then run it again.
- \`pipelines/search.${ending}\` searches many questions at once.${squad ? ' It measures how often the right paragraph is found.' : ' Put yours into `questions.jsonl`, one object a line.'}
- \`npx millrace test index\` tries the pipeline on a few rows and writes nothing of yours.
- \`npx millrace operators\` lists what else a pipeline can do.
`;
}

/** All files of the project by path. */
export function projectFiles(project: Project): Record<string, string> {
  const { name, look, typescript, dependency } = project;
  const text = typescript ? typescriptText : yamlText;
  const ending = typescript ? 'ts' : 'yaml';
  const manifest = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    scripts: { index: 'millrace run index', search: 'millrace run search' },
    dependencies: { millrace: dependency },
  };
  return {
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    [`pipelines/index.${ending}`]: text(indexPipeline(project)),
    [`pipelines/search.${ending}`]: text(searchPipeline(project)),
    ...(look.corpus.op === 'read.squad' ? {} : { 'questions.jsonl': questions(look) }),
    'README.md': readme(project),
    '.gitignore': 'node_modules/\n.millrace/\nindexes/\nout/\n',
  };
}
