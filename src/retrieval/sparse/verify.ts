import { type VerifyReport, verifyGenerations } from '../store/verify.ts';
import { sparseGenerations } from './manifest.ts';

export type { VerifyProblem, VerifyReport } from '../store/verify.ts';

/** As {@link verifyGenerations}. @throws IndexError 'missing' where there is no index */
export const verify = (dir: string): Promise<VerifyReport> => verifyGenerations(dir, sparseGenerations);
