import type { IndexErrorCode } from '../errors.ts';
import type { Query } from '../query/types.ts';
import type { SharedSections } from '../section-file.ts';
import type { SearchOptions } from '../sparse-index.ts';

/** What a search thread is started with. */
export interface ThreadData {
  dir: string;
  generation: number;
  cacheBytes: number;
  sections: SharedSections;
}

/** Queries for one thread. */
export interface Task {
  id: number;
  queries: readonly Query[];
  options: SearchOptions;
}

/** Hits of the queries one after the other: those of query i at `starts[i]..starts[i + 1]`. */
export interface Found {
  id: number;
  starts: Int32Array<ArrayBuffer>;
  docs: Int32Array<ArrayBuffer>;
  scores: Float64Array<ArrayBuffer>;
}

export interface Failed {
  id: number;
  error: { code?: IndexErrorCode; message: string; file?: string };
}
