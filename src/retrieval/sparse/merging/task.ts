import type { StoredField } from '../columns.ts';
import type { IndexErrorCode } from '../errors.ts';
import { Fields, type Layout } from '../fields.ts';
import { mergeSegments } from '../merge.ts';
import { Segment } from '../segment.ts';
import type { SegmentMeta } from '../segment-writer.ts';

/** Segments to merge into one, as plain data. */
export interface MergeTask {
  readonly inputs: readonly { readonly file: string; readonly deleted: Uint8Array | undefined }[];
  readonly fields: StoredField[];
  readonly layout: Layout;
  readonly path: string;
}

export interface Merged {
  readonly meta: SegmentMeta;
  readonly bytes: number;
}

export interface MergeFailed {
  readonly error: { readonly code?: IndexErrorCode; readonly message: string; readonly file?: string };
}

/** Opens the segments anew and merges them. */
export async function runMerge({ inputs, fields, layout, path }: MergeTask): Promise<Merged> {
  const segments: Segment[] = [];
  try {
    for (const { file } of inputs) segments.push(new Segment(file));
    return await mergeSegments(
      inputs.map(({ deleted }, i) => ({ segment: segments[i], deleted })),
      fields,
      path,
      new Fields(layout),
    );
  } finally {
    for (const segment of segments) segment.close();
  }
}
