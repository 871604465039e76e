import { hasBit } from '../sparse/bitmap.ts';
import type { StoredField } from '../sparse/columns.ts';
import { columnWriter } from '../sparse/stored.ts';
import { lowestCursor, type RowsMeta, type RowsSegment, writeSegment } from './rows-segment.ts';

/** Bytes of payloads that are read at once of each segment. */
const WINDOW = 1 << 18;

/** Payloads of one segment, read on in order of its documents. */
class PayloadReader {
  private readonly segment: RowsSegment;
  private from = 0;
  private to = 0;
  private bytes: Uint8Array = new Uint8Array(0);

  constructor(segment: RowsSegment) {
    this.segment = segment;
  }

  at(document: number): Uint8Array {
    if (document < this.from || document >= this.to) {
      const { documents } = this.segment.meta;
      const [start] = this.segment.payloadRange(document, document);
      let to = document + 1;
      while (to < documents && this.segment.payloadRange(to, to + 1)[1] - start <= WINDOW) to++;
      this.from = document;
      this.to = to;
      this.bytes = this.segment.readPayload(document, to);
    }
    const [base] = this.segment.payloadRange(this.from, this.from);
    const [start, end] = this.segment.payloadRange(document, document + 1);
    return this.bytes.subarray(start - base, end - base);
  }
}

/**
 * Makes one segment of several, without what is deleted. Their keys are distinct where not deleted. `change` gives the
 * payload of a document instead of the one it has; of one segment only.
 */
export async function mergeRowsSegments(
  inputs: readonly { readonly segment: RowsSegment; readonly deleted?: Uint8Array }[],
  fields: StoredField[],
  path: string,
  kind: string,
  rowBytes: number | null,
  change?: (document: number) => Uint8Array | Promise<Uint8Array>,
): Promise<{ meta: RowsMeta; bytes: number }> {
  const total = inputs.reduce((sum, { segment }) => sum + segment.meta.documents, 0);
  const source = new Uint16Array(total);
  const place = new Uint32Array(total);
  const maps = inputs.map(({ segment }) => new Int32Array(segment.meta.rows).fill(-1));
  const cursors = inputs.map(({ segment }) => segment.keys.cursor());
  const advance = (s: number): void => {
    while (cursors[s].next()) if (!hasBit(inputs[s].deleted, cursors[s].ordinal)) return;
  };
  for (let s = 0; s < cursors.length; s++) advance(s);
  let documents = 0;
  for (let s = lowestCursor(cursors); s >= 0; s = lowestCursor(cursors)) {
    source[documents] = s;
    place[documents] = cursors[s].ordinal;
    maps[s][inputs[s].segment.rows[cursors[s].ordinal]] = 0;
    documents++;
    advance(s);
  }
  // stored columns are appended segment by segment, so a kept row's new place is its rank among those kept
  let rows = 0;
  for (const map of maps) for (let r = 0; r < map.length; r++) if (map[r] === 0) map[r] = rows++;
  const rowOf = new Uint32Array(documents);
  for (let d = 0; d < documents; d++) rowOf[d] = maps[source[d]][inputs[source[d]].segment.rows[place[d]]];
  const columns = fields.map(field => {
    const column = columnWriter(field);
    inputs.forEach(({ segment }, s) => {
      const reader = segment.column(field.name);
      if (reader === undefined) throw new Error(`no column ${field.name}`);
      column.appendFrom(reader, maps[s]);
    });
    return column;
  });
  const keys = inputs.map(({ segment }) => segment.keys.cursor());
  const readers = inputs.map(({ segment }) => new PayloadReader(segment));
  return writeSegment(path, kind, {
    documents,
    key: (d, out) => {
      const cursor = keys[source[d]];
      cursor.at(place[d]);
      out.add(cursor.text, 0, cursor.length);
    },
    rowOf,
    payload: d => change?.(place[d]) ?? readers[source[d]].at(place[d]),
    rowBytes,
    columns,
    fields,
    rows,
  });
}
