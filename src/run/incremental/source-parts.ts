/**
 * A source in a flow of which no row is remembered: the signatures of its parts alone, which tell whether the flow has
 * anything to do.
 */
import type { SourcePart } from '../../define/index.ts';
import { type Entries, type Ledger, TABLE } from '../../state/index.ts';
import { IdRanges } from './id-ranges.ts';
import { decodePart, encodePart, partKey } from './part-entry.ts';

export interface SourcePartsOptions {
  readonly ledger: Ledger;
  readonly journal: Entries;
  readonly slot: number;
  /** Nothing of before counts. */
  readonly fresh: boolean;
}

export class SourceParts {
  readonly #o: SourcePartsOptions;
  readonly #old = new Map<string, string>();

  constructor(options: SourcePartsOptions) {
    this.#o = options;
    if (options.fresh) return;
    for (const { key, value } of options.ledger.entries(TABLE.pieces, options.slot))
      this.#old.set(key.toString('utf8'), decodePart(value).signature);
  }

  /** Whether any part is new, gone or has another signature. */
  differs(parts: readonly SourcePart[]): boolean {
    return parts.length !== this.#old.size || parts.some(p => this.#old.get(p.name) !== p.signature);
  }
  /** The parts that are new or have another signature. */
  changed(parts: readonly SourcePart[]): ReadonlySet<string> {
    return new Set(parts.filter(p => this.#old.get(p.name) !== p.signature).map(p => p.name));
  }

  /** @param parts as listed before the scan; undefined where the source cannot tell */
  finish(parts: readonly SourcePart[] = []): void {
    const { journal, slot } = this.#o;
    const now = new Map(parts.map(p => [p.name, p.signature]));
    for (const name of this.#old.keys()) if (!now.has(name)) journal.delete(partKey(slot, name));
    for (const [name, signature] of now)
      journal.put(partKey(slot, name), encodePart(signature, new IdRanges(), false));
  }
}
