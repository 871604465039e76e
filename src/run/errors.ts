/** How the engine speaks of what went wrong in a step. */
import { UserError } from '../define/index.ts';
import { StateError } from '../state/index.ts';

/** An error of a step's operator, with the step and, where it is one row's, the row. */
export class StepError extends UserError {
  override readonly step: string;
  /** The row's key, as text. */
  readonly row?: string;
  constructor(step: string, message: string, options: { row?: string; help?: string; cause?: unknown } = {}) {
    super(message, options);
    this.name = 'StepError';
    this.step = step;
    this.row = options.row;
  }
}

/** The run was stopped from outside. */
export class AbortError extends UserError {
  constructor(reason = 'the run was stopped', options: { cause?: unknown } = {}) {
    super(reason, options);
    this.name = 'AbortError';
  }
}

/** What to do where the disk refuses. */
const DISK: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and run again; what was committed stays as it is',
  EDQUOT:
    'the quota of the disk is used up: free some space and run again; what was committed stays as it is',
  EROFS: 'the file system is read-only: write somewhere else',
};

/** Any thrown thing as a StepError. */
export function stepError(step: string, error: unknown, row?: string): UserError {
  if (error instanceof StepError || error instanceof AbortError || error instanceof StateError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const help = error instanceof UserError ? error.help : DISK[(error as NodeJS.ErrnoException)?.code ?? ''];
  return new StepError(step, message, { row, help, cause: error });
}
