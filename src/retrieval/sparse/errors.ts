/**
 * What went wrong with an index:
 * missing (no index there), locked (another writer), version (a newer or foreign format), corrupt (a file
 * fails its checksum or length), analyzer (built with another analyzer), schema (columns do not fit),
 * generation (no such generation), argument (a call with a bad value), closed (used after close).
 */
export type IndexErrorCode =
  | 'missing'
  | 'locked'
  | 'version'
  | 'corrupt'
  | 'analyzer'
  | 'schema'
  | 'generation'
  | 'argument'
  | 'closed';

/** An error of the index, named by `code`; `file` is the file at fault where there is one. */
export class IndexError extends Error {
  override name = 'IndexError';
  readonly code: IndexErrorCode;
  readonly file?: string;
  /** What to do about it, where that is known. */
  readonly help?: string;

  constructor(code: IndexErrorCode, message: string, file?: string, help?: string) {
    super(message);
    this.code = code;
    this.file = file;
    this.help = help;
  }
}
