/**
 * The operator contract. One declaration feeds everything: the checks, the types of `with`, the command line's help,
 * docs/operators.md, the JSON Schema for editors and the contract suite that runs over every registered operator.
 */
import type { Data, RecordBatch, Vector } from 'apache-arrow';
import type { z } from 'zod';
import type { Column, Columns } from '../arrow/types.ts';

/** Parameters: a strict zod object; every field has a description and, where one is sensible, a default. */
export type ParamsSchema = z.ZodObject;

/** Plain JSON, as a commit record, a report or a position holds it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * What a step remembers from run to run, by keys of its own, of any length. What was put is seen at once and
 * kept when the run commits; a run that fails leaves it as it was. Empty where the step begins from nothing.
 */
export interface StepState {
  get(key: Uint8Array): Uint8Array | undefined;
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** False where nothing is kept after the run, so that what is put serves the step itself alone. */
  readonly lasts?: boolean;
}

/** What the engine tells an operator when it opens it. */
export interface OpenContext {
  /** The step's id, for messages. */
  readonly step: string;
  /** The folder that relative paths of parameters start from; use {@link OpenContext.path}. */
  readonly root: string;
  /** A parameter's path made absolute. */
  path(relative: string): string;
  /** Bytes this instance may hold: its fixed share of the run's `memory`. */
  readonly memory: number;
  /** A folder of this step's own for spilling, removed after the run. Made on first call. */
  tempFolder(): Promise<string>;
  /** Fires when the run is aborted. */
  readonly signal: AbortSignal;
  /** Tells the user something worth knowing that is not an error, once per text. */
  warn(message: string): void;
  /** The columns of the step's inputs (none for a source), as the plan knows them. */
  readonly inputs: readonly Columns[];
  /**
   * For sinks: true where this run builds what it writes from nothing; false where changes come onto what is there,
   * which only sinks that declare `changes` are asked for.
   */
  readonly full: boolean;
  /**
   * For sinks that declare `resumes`, where `full` is false: the token to build on, of a commit in the middle of a run
   * that was cut short. Absent: what is published.
   */
  readonly from?: Json;
  /** For streams that declare `changes`: what the step remembers. */
  readonly state?: StepState;
  /**
   * For streams that declare `changes`: true where a run over all rows ended with {@link StreamInstance.needsAllRows}
   * and is made once more. A step that does not remember the rows it gives has to, this time.
   */
  readonly keepsRows?: boolean;
  /** The columns that name a row of each input. */
  readonly keys: readonly (readonly string[])[];
}

/** What the planner tells an operator before anything is opened. */
export interface PlanContext {
  readonly root: string;
  path(relative: string): string;
}

/** Columns as an operator gives them: Arrow data or vectors (of one chunk). */
export type OutputColumns = Readonly<Record<string, Data | Vector>>;

/** `rows: 'same'`: each row gives one row; only the columns that are written. */
export interface SameOutput {
  columns: OutputColumns;
}
/** `rows: 'filter'`: the indices of the rows that stay, ascending; columns written, if any, have one value each. */
export interface FilterOutput {
  keep: Int32Array;
  columns?: OutputColumns;
}
/** `rows: 'explode'`: for each row given, the index of the row it came from, ascending. */
export interface ExplodeOutput {
  parent: Int32Array;
  columns: OutputColumns;
}
/** `rows: 'group'`: group g is the input rows `starts[g]` to `starts[g + 1]`; other columns come from its first row. */
export interface GroupOutput {
  starts: Int32Array;
  columns: OutputColumns;
}
export interface OutputByRows {
  same: SameOutput;
  filter: FilterOutput;
  explode: ExplodeOutput;
  group: GroupOutput;
}
/** How the rows an operator gives stand to the rows it takes; order, keys, lineage and the cache need it. */
export type Rows = keyof OutputByRows;

/** Something that is open: closed once, after success, failure and abort. */
export interface Closable {
  close?(): void | Promise<void>;
}

/** A running `map`: a batch in, columns out; no state between batches. */
export interface MapInstance<R extends Rows = Rows> extends Closable {
  process(batch: RecordBatch): OutputByRows[R] | Promise<OutputByRows[R]>;
}

/**
 * What happened to rows: `deletes` apply before `upserts`. `deletes` holds columns that name rows (a key, or the key
 * of an ancestor: every row with these values goes). `gone` are rows that were filtered out, dead-lettered or gave
 * nothing, as last seen; only operators that declare `gone: true` get them.
 */
export interface Change {
  readonly upserts?: RecordBatch;
  readonly deletes?: RecordBatch;
  readonly gone?: RecordBatch;
}

/** Changes that an operator gives: one, some, or a stream of them. */
export type Changes = Iterable<Change> | AsyncIterable<Change>;

/** A running `stream`: state across batches, changes in and out. */
export interface StreamInstance extends Closable {
  /** `input` is the index in `from`. */
  process(change: Change, input: number): Changes | Promise<Changes>;
  /** After the last change of every input. */
  end?(): Changes | Promise<Changes>;
  /**
   * For streams that declare `changes`, asked after the end: true where it would have had to give rows that it does
   * not remember. What it gave is then dropped, and the flow runs over all rows, the step from nothing. Where it ran over
   * all rows already, it runs once more with `keepsRows`: a step before it took back a row that had stood before another.
   */
  needsAllRows?(): boolean;
}

/** A running `join`: for the same run of join keys, the rows each input has of them, in the same key order. */
export interface JoinInstance extends Closable {
  process(inputs: readonly RecordBatch[]): GroupedOutput | Promise<GroupedOutput>;
}
/** What a join gives: all declared columns and no others, rows of a key together, keys in the given order. */
export interface GroupedOutput {
  columns: OutputColumns;
}

/** Where a source stands: plain JSON that `scan` can start again from. */
export type SourcePosition = Json;

/** A piece of a source, in order. */
export interface SourceChunk {
  /** Rows that are decoded already. */
  readonly batch?: RecordBatch;
  /** Or bytes that {@link SourceInstance.decode} makes rows of, on this thread or in a worker. */
  readonly raw?: Uint8Array;
  /** True where `raw` is only good until the next piece is asked for; then what decode gives holds no view of it. */
  readonly borrowed?: boolean;
  /** What decode needs besides the bytes, e.g. file and first line. */
  readonly meta?: Json;
  /** The part of the source it is of, as {@link SourceInstance.parts} names it. */
  readonly part?: string;
  /** Where to go on after this piece. */
  readonly position: SourcePosition;
  /** How much of the source this piece is, in the unit of {@link SourceInstance.total}. */
  readonly progress?: number;
  /** Records of this piece that could not be read, where `batch` is given. */
  readonly errors?: readonly RecordError[];
}

/** A record that could not be read: it goes where the step's `onError` says. */
export interface RecordError {
  /** File and line or row: `data/a.jsonl:812`. */
  readonly where: string;
  /** What was found and what was wanted. */
  readonly message: string;
  /** The record as it stood, cut at a few kilobytes. */
  readonly record?: string;
  /** What to do where the record may be a good one. Default: mend it. */
  readonly help?: string;
}

/** A part of a source: a file, for one. */
export interface SourcePart {
  readonly name: string;
  readonly signature: string;
}

/** What decoding a raw piece gives. */
export interface Decoded {
  readonly batch: RecordBatch;
  readonly errors?: readonly RecordError[];
}

/**
 * For formats whose rows depend on the bytes of one record each (a line), whatever its place: records that are as they
 * were are not decoded again.
 */
export interface SourceRecords {
  /** Start and end of each record of a piece that would give a row, in order: `[s0, e0, s1, e1, …]`. */
  bounds(raw: Uint8Array): Int32Array;
  /**
   * These bounds with the records' `fingerprints`, where both are to be had at once; undefined where not. The hashes of a
   * buffer of their own: 16 bytes a record.
   */
  hashed?(raw: Uint8Array): { readonly bounds: Int32Array; readonly hashes: Uint8Array } | undefined;
  /**
   * The piece without some of its records, in a buffer of its own; messages about the others say what they would have.
   * @param keep by the record's number in `bounds`
   */
  only(raw: Uint8Array, bounds: Int32Array, keep: (record: number) => boolean): Uint8Array;
}

/** A running source. `scan` is cheap and ordered; costly parsing goes into `decode`, which may run in workers. */
export interface SourceInstance extends Closable {
  /** @param only the parts to read; default all */
  scan(from?: SourcePosition, only?: ReadonlySet<string>): AsyncIterable<SourceChunk>;
  /**
   * The parts it is made of, in order, each with a signature that changes when the part does (size and time of a
   * file): a part whose signature is as it was is not read again. Absent where a source cannot tell.
   */
  parts?(): readonly SourcePart[] | Promise<readonly SourcePart[]>;
  /** Pure: the same bytes and meta give the same rows anywhere. */
  decode?(raw: Uint8Array, meta: Json): Decoded | Promise<Decoded>;
  /** The line, from 1, on which each row begins that `decode` gives of these bytes: asked where a row is looked up. */
  linesOf?(raw: Uint8Array, meta: Json): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** For `decode`: records that need no decoding where they have not changed. */
  readonly records?: SourceRecords;
  /** How much there is to read, for progress. */
  readonly total?: { readonly amount: number; readonly unit: 'bytes' | 'rows' };
}

/** What a sink has made ready: immutable files that nobody sees yet, named by plain JSON that `publish` takes. */
export interface Prepared {
  readonly token: Json;
  /** Numbers for people: rows, bytes, segments. */
  readonly summary?: { readonly [name: string]: Json };
}

/** What an `evaluate.*` step measured. */
export interface Report {
  /** For `--json`. */
  readonly data: { readonly [name: string]: Json };
  /** For a terminal. */
  readonly text?: string;
  /** Plots as SVG, by name. */
  readonly plots?: { readonly [name: string]: string };
}

/** A running sink. Written changes become visible by `prepare` and then the operator's `publish`, or not at all. */
export interface SinkInstance extends Closable {
  write(change: Change): void | Promise<void>;
  /**
   * For sinks with `changes`: which rows it has by now.
   * @param keys the columns that name rows, and others
   * @returns a number for each row of `keys`, not 0 where it has a row of this key; undefined where it cannot say
   * cheaply. The engine looks through its ledger then, to find a key that two rows give.
   */
  has?(keys: RecordBatch): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * After the last change: makes immutable files and syncs them. Sinks that declare `resumes` are asked several times
   * in a long run; each token stands for everything that was written before it.
   */
  prepare(): Prepared | Promise<Prepared>;
  /**
   * For sinks that declare `resumes`: a commit in the middle of the run names this token. It is not published; its
   * files must outlive an abort and a crash, and more changes will follow. Tokens that were kept before it are over.
   */
  keep?(token: Json): void | Promise<void>;
  /** Drops what was written since the last token that was kept; called instead of prepare, or after it, on failure. */
  abort?(): void | Promise<void>;
  /** What an evaluation measured; asked for after prepare. */
  report?(): Report | undefined | Promise<Report | undefined>;
}

/** Packets as an `rx` operator sees them. Give on the packet you got, with other changes, to keep its position. */
export interface Packet extends Change {
  readonly position: Json;
}

/** The part of an RxJS Observable that the contract needs, so that only `src/events` imports rxjs. */
export interface ObservableLike<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/** A running `rx` operator. */
export interface RxInstance<In = unknown> extends Closable {
  /** An `Observable<Packet>` in, an `Observable<Packet>` out. */
  pipe(input: In): ObservableLike<Packet>;
}

/** An example: run by the contract suite, printed in the docs. `in` and `out` are rows; a join has a list of inputs. */
export interface Example {
  readonly title: string;
  /** The step's `with`. */
  readonly with: Readonly<Record<string, unknown>>;
  /** Input rows; their columns are named by `columns` or guessed from the values. */
  readonly in?: readonly Readonly<Record<string, unknown>>[];
  /** The inputs of a join or a stream of several. */
  readonly inputs?: readonly (readonly Readonly<Record<string, unknown>>[])[];
  /** Column types of the input rows where guessing (text, whole number = int32, fraction = float64) is wrong. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Steps to run before, in order: what builds the index that a search reads. */
  readonly before?: readonly {
    readonly op: string;
    readonly with: Readonly<Record<string, unknown>>;
    readonly in: readonly Readonly<Record<string, unknown>>[];
    readonly columns?: Readonly<Record<string, string>>;
  }[];
  /** Files to write before, by relative path: what a source reads. */
  readonly files?: Readonly<Record<string, string>>;
  /** Output rows; only the columns that stand here are compared. */
  readonly out?: readonly Readonly<Record<string, unknown>>[];
  /** For sinks: files that must be there after, by relative path, with their text. */
  readonly written?: Readonly<Record<string, string>>;
}

/** What an operator can say about its columns: fixed, or by parameters and the columns it gets. */
interface Declared<P> {
  /** The name by which a step calls it: `family.name`. */
  readonly name: string;
  /** Raised by hand when results change. */
  readonly version: number;
  /** One sentence. */
  readonly summary: string;
  /** More, in Markdown: the method, its source, its limits. */
  readonly description?: string;
  readonly examples: readonly Example[];
  /** Problems between parameters, each `with.name: what is wrong, what was wanted`. */
  check?(params: P): string[];
  /** Files whose hashes enter the fingerprint: models, stop lists. */
  assets?(params: P, ctx: PlanContext): string[];
  /** Bytes one instance holds whatever flows: a model, an open index, a builder. Charged once a worker. */
  fixedBytes?(params: P, ctx: PlanContext): number | Promise<number>;
  /** `exact` (default): bytes and scores as in a full run. */
  readonly equality?: 'exact' | 'approximate' | 'recorded';
  /** False where the same input can give other bytes. Default true. */
  readonly deterministic?: boolean;
  /** `import.meta.url` of the file of a user's own operator, so that workers can load it. */
  readonly module?: string;
}

interface Transforms<P> {
  /**
   * Columns it needs of an input. A column that is `nullable` may hold nulls; nulls elsewhere are row errors. A column
   * of Arrow's Null type may be of any type, a `fixedList(0, ...)` of any size.
   */
  reads(params: P, input?: number): Columns;
  /** Columns it writes, new or replaced. `input` are the columns it gets. May look at the head of a file. */
  writes(params: P, input: Columns, ctx: PlanContext): Columns;
  /** Which of the input's columns go through untouched (and how they are named then). Default: all, as they are. */
  passes?(params: P, input: Columns): Readonly<Record<string, string>>;
  /**
   * Written columns whose value tells that of a column it reads: `{ unit_id: 'doc_id' }`, as a parent's id, a mark and a
   * number do. Rows that differ there can never share one, so the engine need not keep watch for it.
   */
  tells?(params: P): Readonly<Record<string, string>>;
  /** The columns that name a row of the output. Default: as the input's. */
  key?(params: P, inputKey: readonly string[]): readonly string[];
}

export interface SourceOperator<P = never> extends Declared<P> {
  readonly shape: 'source';
  /** The columns it gives; may look at the head of a file. A missing file is a {@link UserError}. */
  columns(params: P, ctx: PlanContext): Columns | Promise<Columns>;
  /** The file that types of columns are guessed from; undefined where none are, or there is none yet. */
  guessedFrom?(params: P, ctx: PlanContext): Promise<string | undefined>;
  key(params: P): readonly string[];
  open(params: P, ctx: OpenContext): SourceInstance | Promise<SourceInstance>;
}

export interface MapOperator<P = never, R extends Rows = Rows> extends Declared<P>, Transforms<P> {
  readonly shape: 'map';
  readonly rows: R;
  /** Columns whose equal runs a re-batcher never splits: a question's hits stay together. */
  batchBy?(params: P): readonly string[];
  /** Rows a batch it takes should have where the step says nothing: few, where each row gives very many. */
  batchRows?(params: P): number;
  /**
   * True where a row costs so much more than a look-up (a model, a paid endpoint) that its result is kept: the same
   * values of the read columns under the same fingerprint are not worked on again. Not for `rows: 'group'`. It may
   * depend on the parameters: a small model can cost less than a look-up.
   */
  readonly cache?: boolean | ((params: P) => boolean);
  /** True where a row is a call of a model or of a paid endpoint: it counts for `--max-cost`. Default: as `cache`. */
  readonly costly?: boolean | ((params: P) => boolean);
  /** The column whose length counts as tokens under a token budget. */
  tokens?(params: P): string;
  open(params: P, ctx: OpenContext): MapInstance<R> | Promise<MapInstance<R>>;
}

export interface StreamOperator<P = never> extends Declared<P>, Transforms<P> {
  readonly shape: 'stream';
  /** How many inputs it takes. Default 1. */
  readonly inputs?: number | 'many';
  /** True where rows are held back until more, or all, have come: such a step in a branch can block a join. */
  holds?(params: P): boolean;
  /** True to get `gone` rows. */
  readonly gone?: boolean;
  /**
   * True where it works from changes: it gets only rows that are new or changed (upserts replace the row of their key)
   * and the keys of those that are gone, remembers what it must in `ctx.state`, and gives changes too: rows that are
   * new or other than before, and the keys (`key`) of rows that it gave and that are not there any more, each once.
   * What it has given must depend on the rows that live alone, not on the order in which they came. One input.
   */
  readonly changes?: boolean | ((params: P) => boolean);
  open(params: P, ctx: OpenContext): StreamInstance | Promise<StreamInstance>;
}

export interface JoinOperator<P = never> extends Declared<P> {
  readonly shape: 'join';
  /** The fewest inputs it takes. Default 2; 1 for what puts the rows of a key into another order. */
  readonly least?: number;
  /** The columns that rows of all inputs are brought together by. */
  on(params: P): readonly string[];
  reads(params: P, input: number): Columns;
  /** All columns it gives. */
  writes(params: P, inputs: readonly Columns[], ctx: PlanContext): Columns;
  key(params: P, inputKey: readonly string[]): readonly string[];
  /** A key that an input has no rows of: leave it out, take what there is, or fail. */
  missing(params: P): 'drop' | 'partial' | 'fail';
  /** True where a row is a call of a model or of a paid endpoint: it counts for `--max-cost`. */
  readonly costly?: boolean | ((params: P) => boolean);
  open(params: P, ctx: OpenContext): JoinInstance | Promise<JoinInstance>;
}

export interface SinkOperator<P = never> extends Declared<P> {
  readonly shape: 'sink';
  reads(params: P): Columns;
  /** True to get `gone` rows: a question without hits still counts. */
  readonly gone?: boolean;
  /** True where it can take changes onto what it published before (`ctx.full` false): upserts and deletes by key. */
  readonly changes?: boolean;
  /** The columns that name a row in what it writes. Default: the input's key. */
  key?(params: P, inputKey: readonly string[]): readonly string[];
  /** For sinks with `changes`: the token of what is published now, or undefined where there is nothing to build on. */
  current?(params: P, ctx: PlanContext): Json | undefined | Promise<Json | undefined>;
  /**
   * For sinks with `changes`: whether `token`, which was kept and never published, can still be built on. Declaring it
   * says that the sink can be asked to `prepare` and `keep` in the middle of a run and be opened again `from` there,
   * so that a long run that is killed does not begin anew. Readers go on with what is published until the run is over.
   */
  resumes?(params: P, token: Json, ctx: PlanContext): boolean | Promise<boolean>;
  /**
   * For sinks with `changes`: what is published now, as plain values that are equal where the content is, however it came
   * about. The contract suite holds upserts and deletes against a build from nothing with it; the engine does not ask.
   */
  readBack?(params: P, ctx: PlanContext): unknown;
  batchBy?(params: P): readonly string[];
  open(params: P, ctx: OpenContext): SinkInstance | Promise<SinkInstance>;
  /**
   * The switch: makes visible what `token` names. Idempotent, since recovery calls it again; needs no instance.
   * Absent where there is nothing to switch (a report).
   */
  publish?(params: P, token: Json, ctx: PlanContext): void | Promise<void>;
}

export interface RxOperator<P = never> extends Declared<P>, Transforms<P> {
  readonly shape: 'rx';
  /** True to see deletes; else they go around it. */
  readonly changes?: boolean;
  /** Packets it may hold back before it gives one (a buffer of n holds n). Default 0. */
  holds?(params: P): number;
  open(params: P, ctx: OpenContext): RxInstance | Promise<RxInstance>;
}

export type AnyShape<P> =
  | SourceOperator<P>
  | MapOperator<P>
  | StreamOperator<P>
  | JoinOperator<P>
  | SinkOperator<P>
  | RxOperator<P>;

/** An operator: its name and parameters at the type level, its declaration at run time. */
export type Operator<N extends string = string, S extends ParamsSchema = ParamsSchema> = AnyShape<never> & {
  readonly name: N;
  readonly params: S;
};

/** Any operator, with parameters that are checked at run time. */
export type AnyOperator = Operator;

const SHAPES = new Set(['source', 'map', 'stream', 'join', 'sink', 'rx']);

/** Declares an operator. @throws Error where the declaration cannot work, naming what is missing. */
export function operator<const N extends string, S extends ParamsSchema, const R extends Rows>(
  declaration: { readonly name: N; readonly params: S } & (
    | SourceOperator<z.output<S>>
    | MapOperator<z.output<S>, R>
    | StreamOperator<z.output<S>>
    | JoinOperator<z.output<S>>
    | SinkOperator<z.output<S>>
    | RxOperator<z.output<S>>
  ),
): Operator<N, S> {
  const { name, version, shape } = declaration;
  if (!/^[a-z][a-z0-9]*(\.[a-z][a-z0-9-]*)?$/.test(name)) {
    throw new Error(`operator name "${name}": wanted "family.name" in lower case`);
  }
  if (!Number.isInteger(version) || version < 1)
    throw new Error(`operator ${name}: version must be 1 or more`);
  if (!SHAPES.has(shape)) throw new Error(`operator ${name}: shape must be one of ${[...SHAPES].join(', ')}`);
  return declaration as unknown as Operator<N, S>;
}

/** Parsed parameters. */
export type Params = Readonly<Record<string, unknown>>;

/** An operator as the engine sees it: it passes parameters that the operator's own schema has parsed. */
export type EngineOperator = AnyShape<Params> & { readonly params: ParamsSchema };

/** The engine's view of an operator. The one cast: parameters are parsed by `params` before any function sees them. */
export const asEngine = (op: AnyOperator): EngineOperator => op as unknown as EngineOperator;

/** The columns of a declaration that hold nulls without harm. */
export const nullableNames = (columns: Columns): Set<string> =>
  new Set(Object.entries(columns).flatMap(([name, c]: [string, Column]) => (c.nullable ? [name] : [])));
