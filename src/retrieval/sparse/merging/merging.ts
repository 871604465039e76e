import * as fs from 'node:fs';
import * as path from 'node:path';
import type { StoredField } from '../columns.ts';
import type { Layout } from '../fields.ts';
import { chooseMerge, type Mergeable } from '../merge-policy.ts';
import { WritableSegment } from '../writable-segment.ts';
import { Merger } from './merger.ts';

/** A segment as it was when merging started: what is deleted later does not change what is merged. */
interface Frozen extends Mergeable {
  readonly segment: WritableSegment;
  readonly deleted: Uint8Array | undefined;
  /** What it was made of, with what was deleted then. */
  readonly origins: readonly {
    readonly segment: WritableSegment;
    readonly deleted: Uint8Array | undefined;
  }[];
}

export interface Settled {
  readonly segments: WritableSegment[];
  /** Segments that are part of others now. */
  readonly gone: WritableSegment[];
}

export interface MergingOptions {
  readonly dir: string;
  readonly layout: Layout;
  newFile(): string;
  /** Bytes from which on a merge gets a thread. */
  readonly threadFrom: number;
}

/**
 * Merges under the policy while a writer goes on adding and deleting. What is merged is decided and done on the state at
 * `start`, so files do not depend on how fast threads are; deletes that come meanwhile follow at `settle`.
 */
export class Merging {
  private readonly options: MergingOptions;
  private readonly merger = new Merger();
  private pending: Promise<{ list: Frozen[]; gone: WritableSegment[] }> | undefined;

  constructor(options: MergingOptions) {
    this.options = options;
  }

  /** Whether `start` would merge. */
  due(segments: readonly WritableSegment[]): boolean {
    return chooseMerge(segments).length > 0;
  }

  /** Starts what the policy asks for. The last start must be settled. */
  start(segments: readonly WritableSegment[], fields: StoredField[]): void {
    const list = segments.map(frozen);
    if (chooseMerge(list).length === 0) return;
    this.pending = this.run(list, fields);
    // a failure is told at settle
    this.pending.catch(() => undefined);
  }

  /** Waits for what was started; undefined where nothing was. @throws IndexError, Error of the file system */
  async settle(): Promise<Settled | undefined> {
    const { pending } = this;
    if (pending === undefined) return undefined;
    this.pending = undefined;
    const { list, gone } = await pending;
    for (const { segment, origins } of list) {
      for (const origin of origins)
        if (origin.segment !== segment) origin.segment.passDeletes(origin.deleted, segment);
    }
    return { segments: list.map(f => f.segment), gone };
  }

  /** Ends the thread and forgets what is under way; its files are the writer's to remove. */
  async close(): Promise<void> {
    const { pending } = this;
    this.pending = undefined;
    await this.merger.close();
    const done = await pending?.catch(() => undefined);
    for (const segment of done?.gone ?? []) segment.close();
    for (const { segment } of done?.list ?? []) segment.close();
  }

  private async run(
    list: Frozen[],
    fields: StoredField[],
  ): Promise<{ list: Frozen[]; gone: WritableSegment[] }> {
    const gone: WritableSegment[] = [];
    for (;;) {
      const chosen = chooseMerge(list);
      if (chosen.length === 0) return { list, gone };
      const merged = await this.mergeOnce(chosen, fields);
      const at = list.indexOf(chosen[0]);
      list = list.flatMap((f, i) => (i === at ? [merged] : chosen.includes(f) ? [] : [f]));
      gone.push(...chosen.map(f => f.segment));
    }
  }

  private async mergeOnce(chosen: readonly Frozen[], fields: StoredField[]): Promise<Frozen> {
    const { dir, layout, newFile, threadFrom } = this.options;
    const file = newFile();
    const target = path.join(dir, file);
    const inputs = chosen.map(({ segment, deleted }) => ({
      file: path.join(dir, segment.entry.file),
      deleted,
    }));
    const total = chosen.reduce((sum, f) => sum + f.bytes, 0);
    try {
      const { meta, bytes } = await this.merger.merge(
        { inputs, fields, layout, path: target },
        total >= threadFrom,
      );
      const { documents, terms, totalLength } = meta;
      const segment = WritableSegment.open(dir, { file, bytes, documents, terms, totalLength });
      return {
        segment,
        documents,
        liveDocuments: documents,
        bytes,
        deleted: undefined,
        origins: chosen.flatMap(f => f.origins),
      };
    } catch (error) {
      fs.rmSync(target, { force: true });
      throw error;
    }
  }
}

function frozen(segment: WritableSegment): Frozen {
  const { documents, liveDocuments, bytes } = segment;
  const deleted = segment.tombstones?.bits.slice();
  return { segment, documents, liveDocuments, bytes, deleted, origins: [{ segment, deleted }] };
}
