/** Errors of the state itself: no step is to blame for a full disk under `.millrace`. */
import { UserError } from '../define/index.ts';

/** State that could not be read or written, and what to do about it. */
export class StateError extends UserError {
  readonly path: string;
  /** What happened, without the place. */
  readonly reason: string;
  constructor(path: string, reason: string, options: { help?: string; cause?: unknown; whose?: string }) {
    super(`the state${options.whose ? ` of ${options.whose}` : ''} in ${path}: ${reason}`, options);
    this.name = 'StateError';
    this.path = path;
    this.reason = reason;
  }
  /** The same with whose state it is. */
  of(whose: string): StateError {
    const { path, reason, help, cause } = this;
    return new StateError(path, reason, { help, cause, whose });
  }
}

/** State that a run refuses to touch: running again alone does not help. */
export class RefusedError extends UserError {}

const GO_ON = 'run again: it goes on from the last commit';
const OTHER_DISK = 'a symbolic link may take the place of .millrace';

/** By code: what happened, and what to do. */
const KNOWN: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['the disk is full', `make room (${OTHER_DISK}), then ${GO_ON}`],
  EDQUOT: ['the disk quota is used up', `make room (${OTHER_DISK}), then ${GO_ON}`],
  EACCES: ['it may not be written', `look at the permissions of the folder, then ${GO_ON}`],
  EPERM: ['it may not be written', `look at the permissions of the folder, then ${GO_ON}`],
  EROFS: ['its disk is read-only', `make it writable (${OTHER_DISK}), then ${GO_ON}`],
  ENOTDIR: ['a part of the path is a file, wanted a folder', 'move that file away'],
  EEXIST: ['a part of the path is a file, wanted a folder', 'move that file away'],
  EISDIR: ['a folder is where a file of the state belongs', 'move that folder away'],
};

/** The code of a system error; LMDB gives the number or the words alone. */
function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  if (code === 28 || /no space left/i.test(String(message))) return 'ENOSPC';
  return code === 13 || /permission denied/i.test(String(message)) ? 'EACCES' : '';
}

/** A thrown thing as an error of the state at `path`; errors that are told to users already stay as they are. */
export function stateError(path: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const { message } = error as Error;
  const [reason, help] = KNOWN[codeOf(error)] ?? [message, undefined];
  const at = (error as NodeJS.ErrnoException).path ?? path;
  return new StateError(at, reason, { help, cause: error });
}

/** Does something with the state at `path`. @throws StateError where the file system refuses it */
export async function withState<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw stateError(path, error);
  }
}

/** Refuses a file whose four bytes of head are those of a later version of the same format: three letters and a digit. */
export function refuseNewer(path: string, head: Buffer, own: Buffer): void {
  const [version, known] = [head[3] - 0x30, own[3] - 0x30];
  if (!head.subarray(0, 3).equals(own.subarray(0, 3)) || version <= known || version > 9) return;
  throw new RefusedError(`${path} has format ${version}; this version reads up to ${known}`, {
    help: 'it was written by a newer Millrace: update this one, or remove the file and run with --full',
  });
}
