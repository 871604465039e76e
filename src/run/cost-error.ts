/** What says that a cap stopped a run; apart from the rest, since the command line looks for it without the engine. */
import { UserError } from '../define/errors.ts';
import type { MaxCost } from './cost.ts';

/** A cap that does not do. */
export class CostError extends UserError {
  readonly unit: keyof MaxCost;
  /** A cap that the run needs at least, as far as is known. */
  readonly least: number;
  /** Whether the next run goes on where this one stopped, under the same cap: what was paid for is in the cache. */
  readonly goesOn: boolean;
  constructor(
    message: string,
    { unit, least, goesOn, help }: { unit: keyof MaxCost; least: number; goesOn: boolean; help: string },
  ) {
    super(message, { help });
    this.name = 'CostError';
    this.unit = unit;
    this.least = least;
    this.goesOn = goesOn;
  }
}
