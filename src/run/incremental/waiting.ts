/** The ledger for those who look: what a commit that was cut short has left in its journal counts for them too. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JournalError, Ledger, readCommits } from '../../state/index.ts';

/** The ledger as a run sees it, which first finishes commits that were cut short. */
export async function ledgerAsRunsFindIt(folder: string): Promise<Ledger> {
  const ledger = await Ledger.openForReading(folder);
  const waiting = Object.values(await readCommits(folder)).flatMap(({ published, ledger: changes }) =>
    published || !changes || !existsSync(join(folder, changes.journal)) ? [] : [changes],
  );
  if (waiting.length === 0) return ledger;
  let trial: Ledger;
  try {
    trial = await ledger.trial();
  } finally {
    await ledger.close();
  }
  for (const { journal, clear, meta, again } of waiting) {
    try {
      await trial.apply(join(folder, journal), clear, meta, again);
    } catch (error) {
      // damaged, or taken by a run that is at work: without it the flow begins anew
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (error instanceof JournalError || gone || !existsSync(join(folder, journal))) continue;
      await trial.close();
      throw error;
    }
  }
  return trial;
}
