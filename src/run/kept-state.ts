/** What a run keeps beside the pipeline from one run to the next: the ledger and the cache, opened when first needed. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanContext } from '../define/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import {
  Cache,
  type CacheLimits,
  type CommitRecord,
  cacheFolderOf,
  JournalError,
  Ledger,
} from '../state/index.ts';
import { type CacheCounts, cachedExecutor } from './cached.ts';
import type { Executor } from './executor.ts';
import { liveFingerprint } from './incremental/places.ts';

export interface KeptStateOptions {
  /** The pipeline's state folder. */
  readonly folder: string;
  readonly ctx: PlanContext;
  readonly warn: (step: string, message: string) => void;
  /** Works on every row, whatever the cache has. */
  readonly anew: boolean;
}

export class KeptState {
  readonly #o: KeptStateOptions;
  readonly #cacheCounts = new Map<string, CacheCounts>();
  #ledger: Ledger | undefined;
  #cache: Cache | undefined;

  constructor(options: KeptStateOptions) {
    this.#o = options;
  }

  async ledger(): Promise<Ledger> {
    if (!this.#ledger) {
      this.#ledger = await Ledger.openForRun(this.#o.folder);
      const { damage } = this.#ledger;
      if (damage !== undefined) this.#o.warn('', `${damage}; everything is done anew`);
    }
    return this.#ledger;
  }

  /** Has the ledger follow a commit record. */
  async follow(record: CommitRecord): Promise<void> {
    if (!record.ledger) return;
    const ledger = await this.ledger();
    const journal = join(this.#o.folder, record.ledger.journal);
    // Without its journal the ledger either has it already, or stays behind the record: then the flow begins anew.
    if (!existsSync(journal)) return;
    try {
      await ledger.apply(journal, record.ledger.clear, record.ledger.meta, record.ledger.again);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      const [step] = record.sinks;
      this.#o.warn(step?.step ?? '', `${error.message}; the next run does everything anew`);
    }
    await rm(journal, { force: true });
  }

  /** Has a step's executor ask the cache first. */
  async cached(step: PlannedStep, inner: Executor): Promise<Executor> {
    const { ctx, warn, anew } = this.#o;
    this.#cache ??= await Cache.open(cacheFolderOf(ctx.root), message => warn(step.id, message));
    const counts = { hits: 0, misses: 0 };
    this.#cacheCounts.set(step.id, counts);
    return cachedExecutor(step, inner, this.#cache, await liveFingerprint(step, ctx), counts, anew);
  }
  cacheCounts(step: string): CacheCounts | undefined {
    return this.#cacheCounts.get(step);
  }

  /** @param limits what the cache is kept to; `false` leaves it as it is */
  async closeCache(limits: CacheLimits | undefined | false): Promise<void> {
    if (limits !== false) await this.#cache?.tidy(limits);
    await this.#cache?.close();
  }
  async closeLedger(): Promise<void> {
    await this.#ledger?.close();
  }
}
