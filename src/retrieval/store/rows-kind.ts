import type { Generations } from './generations.ts';
import type { RowsSegment } from './rows-segment.ts';
import type { RowsManifest } from './rows-types.ts';

/** What a kind of index adds to the writer. */
export interface RowsKind {
  readonly generations: Generations<RowsManifest>;
  /** Of its segment files, at most 8 ASCII characters. */
  readonly segmentKind: string;
  /** Bytes of a row's payload; null where they differ. */
  readonly rowBytes: number | null;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What is wrong with putting rows onto an index with these settings, or undefined. */
  clash(found: Readonly<Record<string, unknown>>): string | undefined;
  /** A file that speeds search up, for segments that are to be published and have none. */
  readonly graph?: RowsGraph;
}

export interface RowsGraph {
  /** Bytes of memory that making it takes for each document; segments get no larger than what the writer's holds. */
  readonly rowBytes: number;
  /** Documents of a segment that is worth one. */
  readonly fewest: number;
  make(
    segment: RowsSegment,
    path: string,
  ): Promise<{ bytes: number; crc: number; settings: Readonly<Record<string, number>> }>;
}
