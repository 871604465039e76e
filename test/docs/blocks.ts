/** The code blocks of the documents, as a reader meets them. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface Block {
  /** The first word of the info string. */
  readonly language: string;
  /** The rest of it. */
  readonly info: string;
  readonly text: string;
  /** Line of the opening fence (1-based). */
  readonly line: number;
  /** The file it stands for, where its first line is a comment that names one: `// pipelines/index.ts`. */
  readonly file?: string;
}

/** The documents whose blocks are run; those of docs/operators.md are examples, which the contract suite runs. */
export const documents: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${REPOSITORY}/docs`)
    .filter(name => name.endsWith('.md') && name !== 'operators.md')
    .sort()
    .map(name => `docs/${name}`),
];

export const textOf = (document: string): string => readFileSync(`${REPOSITORY}/${document}`, 'utf8');

/** @throws Error where a fence is not closed */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; info: string; line: number; fence: string; lines: string[] } | undefined;
  textOf(document)
    .split('\n')
    .forEach((line, i) => {
      const fence = /^(`{3,})\s*(\S*)\s*(.*)$/.exec(line);
      if (open) {
        if (fence?.[1] !== open.fence || fence[2] !== '') {
          open.lines.push(line);
          return;
        }
        const file = /^(?:\/\/|#) ([\w./-]+\.(?:ts|yaml|json))$/.exec(open.lines[0] ?? '')?.[1];
        const { language, info, line: at, lines } = open;
        blocks.push({ language, info, line: at, file, text: `${lines.join('\n')}\n` });
        open = undefined;
      } else if (fence)
        open = { language: fence[2], info: fence[3], line: i + 1, fence: fence[1], lines: [] };
    });
  if (open) throw new Error(`${document}: the block of line ${open.line} is not closed`);
  return blocks;
}

/** Targets of links that lead into the repository: file and anchor. */
export function linksOf(document: string): { file: string; anchor?: string }[] {
  return [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file, anchor] = target.split('#');
    return [{ file, anchor }];
  });
}

/** The anchors of a document: of its headings, as GitHub makes them, and those that it sets itself. */
export const anchorsOf = (document: string): Set<string> =>
  new Set([
    ...[...textOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
    ...[...textOf(document).matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id),
  ]);
