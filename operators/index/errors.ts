import { UserError } from '../../src/define/index.ts';
import { IndexError, type IndexErrorCode } from '../../src/retrieval/sparse/index.ts';

const HELP: Partial<Record<IndexErrorCode, string>> = {
  missing:
    'run the pipeline that builds it, or correct the path; a step that searches what this pipeline builds runs "after" it',
  version: 'build it again with this version of Millrace',
  corrupt: '`millrace index verify` says which file; build it again',
  analyzer: 'build it again',
  generation: '`millrace index info` lists the generations there are',
};

/** Runs `work`; what is wrong with an index becomes an error for the user. */
export async function withIndex<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asUserError(error);
  }
}

/** An error of an index as the user sees it; any other as it is. */
export function asUserError(error: unknown): unknown {
  if (!(error instanceof IndexError)) return error;
  return new UserError(error.message, { help: error.help ?? HELP[error.code], cause: error });
}
