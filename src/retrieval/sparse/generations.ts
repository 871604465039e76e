import { sparseGenerations } from './manifest.ts';

export { nextFileNumber } from '../store/generations.ts';

/** Files that the live, the previous or a prepared generation names, but for `except`. */
export const keptFiles = (dir: string, except?: number): Set<string> => sparseGenerations.kept(dir, except);

/** Writes CURRENT and then removes what neither the new generation nor the one before it needs. */
export const switchTo = (dir: string, generation: number): Promise<void> =>
  sparseGenerations.switchTo(dir, generation);

/** Publishes a prepared generation without a writer; the live one again does nothing. */
export const publish = (dir: string, generation: number): Promise<void> =>
  sparseGenerations.publish(dir, generation);

/**
 * As {@link Generations.rollback}.
 */
export const rollback = (dir: string): Promise<number> => sparseGenerations.rollback(dir);
