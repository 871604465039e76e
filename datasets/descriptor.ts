/**
 * What a dataset is: plain data that says what it holds, where it comes from and under which licence, and
 * one function a take that gives its rows. Nothing is read before `rows` is iterated.
 */

/** Column types a take may have; `list<…>` columns hold JavaScript arrays, never null. */
export type DatasetColumnType = 'utf8' | 'int32' | 'list<utf8>' | 'list<int32>';

/** A row of a take: one value a declared column, and no other keys. */
export type DatasetRow = Record<string, unknown>;

export interface DatasetContext {
  /**
   * Which part of a take that has splits; all of it if absent. A take without `splits` (a corpus that the
   * questions of every split search) gives the same rows whatever the split.
   */
  split?: string;
  /** Folder of the data kept outside the package; default `MILLRACE_DATA`, else `../shared/data`. */
  dataFolder?: string;
}

/** A file the dataset is made from. */
export interface DatasetFile {
  /** Relative to the folder that `locate` gives, with `/` between its parts. */
  path: string;
  /** Size in bytes. */
  bytes?: number;
  /** Lower-case hex SHA-256 of the file's bytes; `verifyDataset` compares it. */
  sha256?: string;
}

/** One table of a dataset, such as its documents or its questions. */
export interface DatasetTake {
  summary: string;
  /** In the order a reader should show them. */
  columns: Readonly<Record<string, DatasetColumnType>>;
  /** The columns that name a row; no two rows agree in all of them. */
  key: readonly string[];
  /** The splits this take is cut into; absent where every split shares all rows. */
  splits?: readonly string[];
  /**
   * Streams the rows, in the same order every time.
   * @throws Error where a file is missing or not what was wanted, or the split is none of the dataset's.
   */
  rows(ctx: DatasetContext): AsyncIterable<DatasetRow>;
}

export interface DatasetDescriptor {
  /** What `read.dataset` and `millrace datasets` call it. */
  name: string;
  /** One sentence. */
  summary: string;
  homepage: string;
  licence: string;
  /** How the data was made, and what is known to be weak about it. */
  origin: string;
  files: readonly DatasetFile[];
  splits: readonly string[];
  takes: Readonly<Record<string, DatasetTake>>;
  /** The folder that the paths of `files` start from, whether or not it is there. */
  locate(ctx: DatasetContext): string;
  /** `undefined` where the data can be read now, else one sentence: what is missing and what to do. */
  available(ctx: DatasetContext): Promise<string | undefined>;
  /** Files, by absolute path, that the rows come from besides `files`. */
  more?(): Promise<readonly string[]>;
}

/**
 * Refuses a split that the dataset does not have.
 * @throws Error that lists the splits there are.
 */
export function checkSplit(dataset: string, splits: readonly string[], split: string | undefined): void {
  if (split === undefined || splits.includes(split)) return;
  const known = splits.length === 0 ? 'it has none: leave "split" out' : `there are: ${splits.join(', ')}`;
  throw new Error(`dataset "${dataset}" has no split "${split}"; ${known}`);
}
