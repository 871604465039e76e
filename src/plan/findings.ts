/** Collects problems with where they are, so that checks only say what is wrong. */
import type { DefinitionPath, Problem, SourceMap } from './types.ts';

/** A problem as a check reports it. */
export interface Finding {
  readonly severity?: 'error' | 'warning';
  readonly path: DefinitionPath;
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  /** Show the place of the key, not of the value: where the key itself is wrong. */
  readonly atKey?: boolean;
}

export interface FindingsOptions {
  readonly pipeline: string;
  readonly positions?: SourceMap;
  /** Index in the file of each step, where steps were dropped or cloned since. */
  readonly origin?: readonly number[];
}

/** Whether `value` is a plain record, as JSON objects are. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `did you mean "x"?`, or nothing. */
export const didYouMean = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : `did you mean "${name}"?`;

export class Findings {
  readonly #found: Problem[] = [];
  readonly #options: FindingsOptions;
  readonly #ids: readonly (string | undefined)[];

  constructor(definition: unknown, options: FindingsOptions) {
    this.#options = options;
    const steps = isRecord(definition) && Array.isArray(definition.steps) ? definition.steps : [];
    this.#ids = steps.map(s => (isRecord(s) && typeof s.id === 'string' && s.id !== '' ? s.id : undefined));
  }

  add(finding: Finding): void {
    const { severity = 'error', code, message, help } = finding;
    const path = this.#original(finding.path);
    // what is missing is met wherever it is asked for
    const where = path.join('.');
    if (this.#found.some(p => p.message === message && p.severity === severity && p.path.join('.') === where))
      return;
    const at = this.#options.positions?.at(path, finding.atKey ? 'key' : 'value');
    this.#found.push({
      severity,
      pipeline: this.#options.pipeline,
      where: this.#where(finding.path),
      path,
      code,
      message,
      ...(help !== undefined && { help }),
      ...(at && { file: this.#options.positions?.file, line: at.line, column: at.column }),
    });
  }

  /** Whether something at or below `path` is an error. */
  errorAt(...path: (string | number)[]): boolean {
    const wanted = this.#original(path);
    return this.#found.some(p => p.severity === 'error' && wanted.every((part, i) => p.path[i] === part));
  }

  get failed(): boolean {
    return this.#found.some(p => p.severity === 'error');
  }

  /** All of them, in the order of the steps they concern; those of the pipeline itself first. */
  get problems(): Problem[] {
    const step = (p: Problem) => (p.path[0] === 'steps' && typeof p.path[1] === 'number' ? p.path[1] : -1);
    return [...this.#found].sort((a, b) => step(a) - step(b));
  }

  #original(path: DefinitionPath): DefinitionPath {
    const { origin } = this.#options;
    if (!origin || path[0] !== 'steps' || typeof path[1] !== 'number') return path;
    return [path[0], origin[path[1]] ?? path[1], ...path.slice(2)];
  }

  #where(path: DefinitionPath): string {
    if (path[0] !== 'steps' || typeof path[1] !== 'number') return '';
    const id = this.#ids[path[1]];
    const index = this.#original(path)[1];
    return id === undefined ? `steps[${index}]` : `steps[${index}] "${id}"`;
  }
}
