/** The keys of rows by their ids, for messages: out of the ledger, and of a journal that is not committed yet. */
import { eachEntry, idBytes, type JournalWriter, type Ledger, TABLE, tableKey } from '../../state/index.ts';
import { type Layout, shownKey } from './row-entry.ts';
import { layoutsOf } from './source-diff.ts';

/**
 * @param ledger absent where nothing of it counts
 * @param slot of the source or stream that the ids are of
 */
export async function namesOf(
  ledger: Ledger | undefined,
  journal: JournalWriter,
  slot: number,
  ids: ReadonlySet<number>,
): Promise<Map<number, string>> {
  await (await journal.settle()).done;
  const layouts: Layout[] = ledger ? layoutsOf(ledger, slot) : [];
  const entries = new Map<number, Buffer>();
  for (const id of ids) {
    const entry = ledger?.get(tableKey(TABLE.keys, slot, idBytes(id)));
    if (entry) entries.set(id, entry);
  }
  const keys = tableKey(TABLE.keys, slot, NONE);
  const layout = tableKey(TABLE.layouts, slot, NONE);
  if (entries.size < ids.size) {
    for await (const { bytes } of journal.pieces()) {
      eachEntry(bytes, (key, value) => {
        if (!value) return;
        const head = key.subarray(0, keys.length);
        const rest = key.subarray(keys.length);
        if (head.equals(layout)) layouts[rest[0]] = JSON.parse(value.toString('utf8')) as Layout;
        else if (head.equals(keys) && ids.has(rest.readUInt32BE(0)))
          entries.set(rest.readUInt32BE(0), Buffer.from(value));
      });
    }
  }
  return new Map([...entries].map(([id, entry]) => [id, shownKey(entry, layouts)]));
}

const NONE = new Uint8Array(0);
