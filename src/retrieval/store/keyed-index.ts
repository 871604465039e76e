/** What open indexes of keyed rows share: all but how they search. */
import type { StoredField } from '../sparse/columns.ts';
import { IndexError } from '../sparse/errors.ts';
import type { StoredValue } from '../sparse/stored.ts';
import type { Generations } from './generations.ts';
import { RowsIndex } from './rows-index.ts';
import type { RowsManifest } from './rows-types.ts';
import { type VerifyReport, verifyGenerations } from './verify.ts';

/** What an index says of itself. */
export interface KeyedInfo<Settings> {
  generation: number;
  documents: number;
  segments: number;
  bytes: number;
  keyColumn: string;
  columns: StoredField[];
  settings: Settings;
}

/** One generation, open for reading. Takes no lock and is not disturbed by writers. */
export abstract class KeyedIndex<Settings, Info extends KeyedInfo<Settings>> {
  readonly info: Info;
  protected readonly index: RowsIndex;

  protected constructor(index: RowsIndex, more: (shared: KeyedInfo<Settings>) => Info) {
    const { manifest } = index;
    this.index = index;
    this.info = more({
      generation: manifest.generation,
      documents: manifest.documents,
      segments: manifest.segments.length,
      bytes: index.bytes,
      keyColumn: manifest.keyColumn,
      columns: manifest.fields,
      settings: manifest.settings as unknown as Settings,
    });
  }

  /** Stored values of documents (by number), the key column included; all columns where none are named. */
  rows(docs: Int32Array | readonly number[], columns?: readonly string[]): Record<string, StoredValue>[] {
    return this.index.rows(docs, columns);
  }

  /** Numbers of all documents that are not deleted, ascending. */
  live(): Int32Array {
    return this.index.live();
  }

  /** Keys of documents by number. */
  keys(docs: Int32Array | readonly number[]): string[] {
    return this.index.keys(docs);
  }

  close(): void {
    this.index.close();
  }
}

/** Hits a query, as many as there can be. @throws IndexError 'argument' where `k` is no count */
export function checkedK(k: number, documents: number): number {
  if (!Number.isInteger(k) || k < 1)
    throw new IndexError('argument', `search: k is ${k}, wanted a whole number of at least 1`);
  return Math.min(k, Math.max(1, documents));
}

/** What is done to a folder of one kind of index. */
export class KeyedKind {
  readonly generations: Generations<RowsManifest>;
  private readonly segmentKind: string;

  constructor(generations: Generations<RowsManifest>, segmentKind: string) {
    this.generations = generations;
    this.segmentKind = segmentKind;
  }

  /** Opens the live generation, or a named one. Throws IndexError 'missing', 'generation', 'version', 'corrupt'. */
  open<T>(dir: string, generation: number | undefined, make: (index: RowsIndex) => T): Promise<T> {
    return this.generations.opened(dir, generation, manifest => {
      const index = new RowsIndex(dir, manifest, this.segmentKind);
      try {
        return make(index);
      } catch (error) {
        index.close();
        throw error;
      }
    });
  }

  /** Reads every file of an index and compares checksums. Throws IndexError 'missing' where there is no index. */
  verify(dir: string): Promise<VerifyReport> {
    return verifyGenerations(dir, this.generations);
  }

  publish(dir: string, generation: number): Promise<void> {
    return this.generations.publish(dir, generation);
  }

  rollback(dir: string): Promise<number> {
    return this.generations.rollback(dir);
  }
}
