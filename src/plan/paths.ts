/** Files and folders that steps read and write, and where they get into each other's way. */
import { resolve, sep } from 'node:path';
import type { Findings } from './findings.ts';
import type { DraftFlow } from './flows.ts';
import { markedValues } from './schema.ts';
import type { DefinitionPath } from './types.ts';
import type { Node } from './wiring.ts';

/** A location that a step reads or writes. */
export interface Location {
  readonly node: Node;
  readonly flow: DraftFlow;
  readonly kind: 'read' | 'write';
  /** Absolute, or a URL. */
  readonly where: string;
  readonly text: string;
  readonly path: DefinitionPath;
}

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(text) && !/^[a-z]:[\\/]/i.test(text);
/** Whether a path is a pattern. */
export const isGlob = (text: string): boolean => /[*?{}[\]]/.test(text);

/** All locations of the steps whose parameters are right. */
export function locations(flows: readonly DraftFlow[], root: string): Location[] {
  return flows.flatMap(flow =>
    flow.nodes.flatMap(node => {
      const { op, params, index } = node.draft;
      if (!op || !params) return [];
      return markedValues(op.params, params).flatMap(({ path, value, mark }) => {
        const texts: [string, DefinitionPath][] = Array.isArray(value)
          ? value.flatMap((v, i): [string, DefinitionPath][] =>
              typeof v === 'string' ? [[v, [...path, i]]] : [],
            )
          : typeof value === 'string'
            ? [[value, path]]
            : [];
        return mark.location === undefined
          ? []
          : texts.map(([text, at]) => ({
              node,
              flow,
              kind: mark.location as 'read' | 'write',
              where: isUrl(text) ? text : resolve(root, text),
              text,
              path: ['steps', index, 'with', ...at],
            }));
      });
    }),
  );
}

const inside = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** Whether reading `read` reads what is written at `write`. */
const reads = (read: string, write: string): boolean =>
  inside(read, write) || (isGlob(read) && !isUrl(read) && globToRegExp(read).test(write));

/** Writes that some step of an earlier flow does to what `node` reads. */
export function writtenEarlier(node: Node, all: readonly Location[]): Location[] {
  return all.filter(
    w =>
      w.kind === 'write' &&
      all.some(
        r => r.node === node && r.kind === 'read' && r.flow.before.has(w.flow) && reads(r.where, w.where),
      ),
  );
}

/** Two steps that write one path, and steps that read what this pipeline writes without waiting for it. */
export function checkPaths(all: readonly Location[], findings: Findings): void {
  const writers = all.filter(l => l.kind === 'write').sort((a, b) => a.node.draft.index - b.node.draft.index);
  const first = new Map<string, Location>();
  for (const write of writers) {
    const other = first.get(write.where);
    if (other && other.node !== write.node) {
      const message = `${label(write)}: ${idOf(other)} writes ${JSON.stringify(write.text)} as well`;
      findings.add({ path: write.path, code: 'path-written-twice', message, help: 'give each its own path' });
    } else first.set(write.where, write);
  }
  for (const read of all) {
    // Where a flow's shape is in doubt, so is what it waits for.
    if (read.kind !== 'read' || read.flow.nodes.some(n => !n.wired || !n.waits)) continue;
    const early = [...first.values()].filter(w => w.node !== read.node && !read.flow.before.has(w.flow));
    const own = early.filter(w => reads(read.where, w.where));
    if (own.length > 0) reportRead(read, own, findings);
    else {
      const near = early.find(w => inside(w.where, read.where));
      if (near) reportFolder(read, near, findings);
    }
  }
}

function reportRead(read: Location, writes: readonly Location[], findings: Findings): void {
  const ids = writes.map(w => w.node.draft.id ?? '');
  const names = ids.length === 1 ? JSON.stringify(ids[0]) : JSON.stringify(ids);
  const what =
    writes.length === 1 ? JSON.stringify(writes[0].text) : `${JSON.stringify(writes[0].text)} and more`;
  findings.add({
    path: read.path,
    code: 'reads-own-output',
    message: `${label(read)}: ${idOf(writes[0])} of this pipeline writes ${what}, so it would be read before it is there`,
    help: writes.some(w => w.flow === read.flow)
      ? `read it in a flow of its own that waits: after: ${names} on its first step`
      : `say after: ${names}`,
  });
}

function reportFolder(read: Location, write: Location, findings: Findings): void {
  findings.add({
    severity: 'warning',
    path: read.path,
    code: 'reads-own-folder',
    message: `${label(read)}: ${idOf(write)} writes ${JSON.stringify(write.text)} into this folder`,
    help: 'the next run may read it; keep what is written elsewhere',
  });
}

const idOf = (l: Location): string => JSON.stringify(l.node.draft.id ?? `steps[${l.node.draft.index}]`);
const label = (l: Location): string => l.path.slice(2).join('.');

/** The usual globs: `**`, `*`, `?`, `[ab]`, `{a,b}`. */
export function globToRegExp(glob: string): RegExp {
  let out = '';
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i];
    if (c === '*' && glob[i + 1] === '*') {
      const slash = glob[i + 2] === '/';
      out += slash ? '(?:.*/)?' : '.*';
      i += slash ? 2 : 1;
    } else if (c === '*') out += '[^/]*';
    else if (c === '?') out += '[^/]';
    else if (c === '[' && glob.indexOf(']', i + 2) > 0) {
      const end = glob.indexOf(']', i + 2);
      out += `[${glob
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replace(/[\\[]/g, '\\$&')}]`;
      i = end;
    } else if (c === '{' && glob.indexOf('}', i) > 0) {
      depth++;
      out += '(?:';
    } else if (c === '}' && depth > 0) {
      depth--;
      out += ')';
    } else if (c === ',' && depth > 0) out += '|';
    else out += c.replace(/[.+^$()|\\[\]{}]/g, '\\$&');
  }
  try {
    return new RegExp(`^${out}$`, 'u');
  } catch {
    // An odd pattern, such as a range that runs backwards: it stands for itself.
    return new RegExp(`^${glob.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, 'u');
  }
}
