/** The state of a pipeline, for commands that look into it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../define/index.ts';
import type { Lineage } from '../run/index.ts';
import { asCalled } from './called.ts';
import { load, type Selection } from './prepare.ts';

/** The state folder of a pipeline that has run. @throws UserError where it has not */
export async function stateOf(args: Selection): Promise<{ name: string; folder: string }> {
  const { definition } = await load(args);
  const { stateFolderOf } = await import('../state/index.ts');
  const folder = stateFolderOf(args.root, definition.name);
  if (!existsSync(join(folder, 'ledger/data.mdb'))) {
    throw new UserError(
      `pipeline "${definition.name}" has not run yet: there is no state of it in ${folder}`,
      {
        help: `run it first: ${asCalled(`millrace run ${args.pipeline}`)}`,
      },
    );
  }
  return { name: definition.name, folder };
}

/** The source rows that a key means. @throws UserError where there is none */
export async function rowsOfKey(args: Selection & { readonly key: string }): Promise<Lineage[]> {
  const { name, folder } = await stateOf(args);
  const { findInState, flowsWithoutRows } = await import('../run/index.ts');
  const rows = await findInState(folder, args.key);
  if (rows.length === 0) {
    const without = await flowsWithoutRows(folder);
    const flows = without.map(f => `"${f}"`).join(', ');
    throw new UserError(
      `"${args.key}" is no key of a source of pipeline "${name}", nor of a row in one of its sinks`,
      {
        help:
          'a key is what names a row: a doc_id, or the unit_id of a hit' +
          (without.length === 0
            ? ''
            : `; of ${flows}, which writes its results whole, rows are not remembered one by one`),
      },
    );
  }
  return rows;
}

/** Where a source row stands, in words. */
export const placeText = (row: Lineage): string =>
  row.part === undefined
    ? `step "${row.source}"`
    : `${row.part}, record ${(row.row ?? 0) + 1} (step "${row.source}")`;
