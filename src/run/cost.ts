/** What a run may spend: rows and tokens that costly steps work on, a model's or a paid endpoint's. */
import type { RecordBatch } from 'apache-arrow';
import type { PlannedStep } from '../plan/types.ts';
import { CostError } from './cost-error.ts';
import { tokenColumn, tokenLengths } from './tokens.ts';

/** The most a run may spend on costly steps together. */
export interface MaxCost {
  /** Rows that they work on; those whose results are in the cache do not count. */
  readonly rows?: number;
  /** Tokens of these rows: items of a list column, or bytes / 4 of a text. */
  readonly tokens?: number;
}
export interface Cost {
  readonly rows: number;
  readonly tokens: number;
}
/** A cost that is told before: absent is what nothing tells. */
export type Estimate = Partial<Cost>;
const UNITS = ['rows', 'tokens'] as const;

/** Whether a row costs something: the step calls a model or an endpoint. */
export function isCostly({ op, params }: PlannedStep): boolean {
  if (op.shape !== 'map' && op.shape !== 'join') return false;
  const said = op.shape === 'map' ? (op.costly ?? op.cache) : op.costly;
  return typeof said === 'function' ? said(params) : said === true;
}

/** Tokens of a batch as a step counts them; undefined where it has no column that tells. */
export function tokensOf(step: PlannedStep, batch: RecordBatch): number | undefined {
  try {
    let tokens = 0;
    for (const length of tokenLengths(batch, tokenColumn(step, batch))) tokens += length;
    return tokens;
  } catch {
    return undefined;
  }
}

const shown = (n: number): string => Math.round(n).toLocaleString('en-US');

const keptText = ({ id }: PlannedStep): string =>
  `results of "${id}" so far are in the cache, and a next run does not pay for them again`;
const HELP = 'raise --max-cost, or give it fewer rows';

/** @throws CostError where an estimate is over the cap */
export function checkEstimate(steps: readonly { id: string; cost?: Estimate }[], most: MaxCost): void {
  const costly = steps.flatMap(({ id, cost }) => (cost ? [{ id, cost }] : []));
  for (const unit of UNITS) {
    const limit = most[unit];
    const total = costly.reduce((sum, { cost }) => sum + (cost[unit] ?? 0), 0);
    if (limit === undefined || total <= limit) continue;
    const each = costly.flatMap(c => (c.cost[unit] ? [`"${c.id}" ${shown(c.cost[unit])}`] : []));
    throw new CostError(
      `the run would cost about ${shown(total)} ${unit} (${each.join(', ')}), --max-cost allows ${shown(limit)}`,
      { unit, least: total, goesOn: false, help: `nothing was done; ${HELP}` },
    );
  }
}

/** What a cap holds for though no estimate tells it: a line for each step, empty where all is known. */
export function unforeseen(
  steps: readonly { id: string; cost?: Estimate }[],
  most: MaxCost,
): { step: string; text: string }[] {
  return UNITS.flatMap(unit => {
    const limit = most[unit];
    if (limit === undefined) return [];
    const text = `how many ${unit} it will work on is not known beforehand: the run stops before it is more than ${shown(limit)}`;
    return steps.flatMap(({ id, cost }) => (cost && cost[unit] === undefined ? [{ step: id, text }] : []));
  });
}

/** Counts what costly steps are about to work on, for what no estimate could foresee. */
export class Budget {
  readonly #most: MaxCost;
  readonly #anew: boolean;
  readonly #spent = { rows: 0, tokens: 0 };
  /** Whether something was paid for that the next run pays for again. */
  #lost = false;

  /** @param anew nothing is taken from the cache, also by the same run again */
  constructor(most: MaxCost, anew = false) {
    this.#most = most;
    this.#anew = anew;
  }
  /**
   * @param cached whether the step's results are kept, so that what was worked on is not lost
   * @throws CostError where these rows would be over the cap: then the step must not work on them
   */
  spend(step: PlannedStep, batch: RecordBatch, cached: boolean): void {
    const more: Cost = {
      rows: batch.numRows,
      tokens: this.#most.tokens === undefined ? 0 : (tokensOf(step, batch) ?? 0),
    };
    for (const unit of UNITS) {
      const limit = this.#most[unit];
      if (limit === undefined || this.#spent[unit] + more[unit] <= limit) continue;
      const kept = cached && !this.#anew;
      throw new CostError(
        `--max-cost allows ${shown(limit)} ${unit}: ${shown(this.#spent[unit])} are spent, and "${step.id}" has ${shown(more[unit])} more to work on`,
        {
          unit,
          least: this.#spent[unit] + more[unit],
          goesOn: kept && !this.#lost && more[unit] <= limit,
          help: kept ? `${HELP}; ${keptText(step)}` : HELP,
        },
      );
    }
    for (const unit of UNITS) this.#spent[unit] += more[unit];
    this.#lost ||= !cached;
  }
}
