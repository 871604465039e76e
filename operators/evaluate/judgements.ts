/** A file of judgements that a parameter names. */
import { UserError } from '../../src/define/index.ts';
import { type Qrels, readQrels } from '../../src/metrics/index.ts';

/** @throws UserError where it is not there or is none */
export async function judgements(path: string, shown: string): Promise<Qrels> {
  try {
    return await readQrels(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(
      missing ? `with.qrels: ${shown} is not there` : `with.qrels: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
