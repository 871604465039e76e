/** What the planner gives: a checked plan that the engine runs as it stands, or problems. */
import type { Schema } from 'apache-arrow';
import type { Columns } from '../arrow/types.ts';
import type { EngineOperator, Params } from '../define/index.ts';

/** One thing that is wrong, or worth a word, in a definition. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** The pipeline's name. */
  readonly pipeline: string;
  /** For people: `steps[2] "sparse"`, or '' for the pipeline itself. */
  readonly where: string;
  /** For programs: `['steps', 2, 'with', 'k']`. */
  readonly path: readonly (string | number)[];
  /** A stable name of the kind of problem: `unknown-operator`, `unknown-parameter`, `column-type` ... */
  readonly code: string;
  /** What was found and what was wanted. */
  readonly message: string;
  /** What to do, where a fix is near. */
  readonly help?: string;
  /** The YAML or JSON file it came from, as it should be shown, and the place in it (1-based). */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** A path into a definition: `['steps', 2, 'with', 'k']`. */
export type DefinitionPath = readonly (string | number)[];

/** Where the parts of a definition stand in the file it was written in. */
export interface SourceMap {
  /** The file, as messages should show it. */
  readonly file: string;
  /**
   * The place (1-based) of the value at a path, or of its key; where nothing stands at the path, of the nearest thing
   * around it.
   */
  at(
    path: DefinitionPath,
    part?: 'key' | 'value',
  ): { readonly line: number; readonly column: number } | undefined;
}

/** Where a step's batches are cut and put together again before it. */
export interface PlannedBatch {
  readonly rows?: number;
  readonly bytes?: number;
  readonly tokens?: number;
  readonly lingerMs: number;
}

/** One edge: a channel of so many retained bytes. */
export interface PlannedEdge {
  readonly from: string;
  readonly to: string;
  /** Index in the receiving step's `from`. */
  readonly input: number;
  readonly bytes: number;
}

/** One step, with everything known about it before data flows. */
export interface PlannedStep {
  readonly id: string;
  /** Index in the definition's `steps`. */
  readonly index: number;
  readonly op: EngineOperator;
  /** Parsed parameters, defaults filled in. */
  readonly params: Params;
  readonly from: readonly string[];
  /** Sinks of earlier flows that it waits for. */
  readonly after?: readonly string[];
  /** Ids of the steps that take its rows. */
  readonly to: readonly string[];
  readonly parallel: number;
  readonly where: 'main' | 'worker';
  readonly order: 'keep' | 'free';
  readonly onError: 'fail' | 'dead-letter' | 'skip';
  /** Set where the step asks for it, or its operator needs rows kept together. */
  readonly batch?: PlannedBatch;
  /** Columns whose equal runs are never split before it. */
  readonly batchBy: readonly string[];
  readonly inputs: readonly Columns[];
  readonly inputKeys: readonly (readonly string[])[];
  /** Columns it gives; a sink gives none. */
  readonly output: Columns;
  readonly outputSchema: Schema;
  /** Columns that name a row it gives. */
  readonly key: readonly string[];
  /** Input column → output column, for columns that go through untouched (map, rx). */
  readonly passes: Readonly<Record<string, string>>;
  /** Whether something downstream wants to know of rows that went missing. */
  readonly wantsGone: boolean;
  /** sha256 over name, version, parameters that count, asset hashes. */
  readonly rowFingerprint: string;
  /** sha256 over the row fingerprint and those of its inputs. */
  readonly fingerprint: string;
  /** Bytes an instance may hold: its share, fixed bytes included. */
  readonly memory: number;
  readonly fixedBytes: number;
  /** Sources: give at most this many rows (`--limit`). */
  readonly limit?: number;
  /** For people: set where nobody takes its rows on purpose (`--stop-after`). */
  readonly open?: boolean;
}

/** Steps joined by `from`, in topological order; runs as one, commits as one. */
export interface Flow {
  readonly steps: readonly PlannedStep[];
  readonly edges: readonly PlannedEdge[];
}

/** A checked plan. */
export interface Plan {
  readonly name: string;
  readonly root: string;
  readonly memory: number;
  /** In the order they run. Each has the whole of `memory`. */
  readonly flows: readonly Flow[];
  /** Commands to try after a run, for people. */
  readonly next?: readonly string[];
  readonly warnings: readonly Problem[];
}
