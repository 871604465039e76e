/** Turns what a pipeline writes into a folder of its own, and what it reads of that as well. */
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type AnyOperator, type AnyStep, asEngine, type Pipeline } from '../define/index.ts';
import { isGlob } from '../plan/paths.ts';
import { markedValues } from '../plan/schema.ts';
import { setAt } from '../plan/settings.ts';
import type { DefinitionPath } from '../plan/types.ts';

interface Place {
  readonly step: number;
  readonly path: DefinitionPath;
  /** As the definition, or a default, has it. */
  readonly text: string;
  readonly kind: 'read' | 'write';
}

const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

function placesOf(step: AnyStep, index: number, operators: ReadonlyMap<string, AnyOperator>): Place[] {
  const op = operators.get(step.op);
  if (!op) return [];
  const { params } = asEngine(op);
  const parsed = params.safeParse(step.with ?? {});
  return markedValues(params, parsed.success ? parsed.data : (step.with ?? {})).flatMap(
    ({ path, value, mark }) => {
      if (mark.location === undefined) return [];
      const values: [unknown, DefinitionPath][] = Array.isArray(value)
        ? value.map((v, i): [unknown, DefinitionPath] => [v, [...path, i]])
        : [[value, path]];
      return values.flatMap(([text, at]) =>
        typeof text === 'string'
          ? [{ step: index, path: at, text, kind: mark.location as Place['kind'] }]
          : [],
      );
    },
  );
}

/** The folder of a path up to its first wildcard. */
function fixedPart(path: string): string {
  if (!isGlob(path)) return path;
  const parts = path.split(sep);
  return parts.slice(0, parts.findIndex(isGlob)).join(sep) || sep;
}

/**
 * A copy of a definition whose steps write below `folder`. Steps that read what the pipeline itself writes read it
 * there too; all other reads stay.
 */
export function redirectWrites(
  definition: Pipeline,
  operators: readonly AnyOperator[],
  root: string,
  folder: string,
): Pipeline {
  const byName = new Map([...operators, ...(definition.operators ?? [])].map(op => [op.name as string, op]));
  const places = definition.steps.flatMap((step, i) => placesOf(step, i, byName));
  const written = places.filter(p => p.kind === 'write').map(p => resolve(root, p.text));
  const isWritten = (read: string): boolean => {
    const base = fixedPart(read);
    return written.some(w => inside(base, w) || (isGlob(read) && inside(w, base)));
  };
  const moved = (absolute: string): string => {
    const short = relative(root, absolute);
    const out =
      short.startsWith('..') || isAbsolute(short) ? join('outside', absolute.replaceAll(/[:]/g, '')) : short;
    return join(folder, out);
  };
  let out: unknown = definition;
  for (const place of places) {
    const absolute = resolve(root, place.text);
    if (place.kind === 'read' && !isWritten(absolute)) continue;
    out = setAt(out, ['steps', place.step, 'with', ...place.path], moved(absolute), 'test');
  }
  return out as Pipeline;
}
