/** Fills in what a plan knows beyond its wiring: columns, memory, fingerprints. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { globSync } from 'tinyglobby';
import { type Columns, schemaOf } from '../arrow/index.ts';
import { type EngineOperator, type PlanContext, UserError } from '../define/index.ts';
import { carryColumns, type Known, type SourceColumns } from './columns.ts';
import { checkDiamonds } from './diamonds.ts';
import { type Findings, isRecord } from './findings.ts';
import { hashAsset, rowFingerprint, stepFingerprint } from './fingerprint.ts';
import type { DraftFlow } from './flows.ts';
import { type MemoryShares, type MemoryStep, shareMemory } from './memory.ts';
import { isGlob, type Location, writtenEarlier } from './paths.ts';
import { operatorFailure } from './registry.ts';
import type { Flow, PlannedBatch, PlannedStep } from './types.ts';
import type { Node } from './wiring.ts';

/** What of the options of a check matters here. */
export interface PlannerOptions {
  readonly root: string;
  readonly mode?: 'check' | 'run';
  readonly limit?: number;
}

export class Planner {
  readonly #flows: readonly DraftFlow[];
  readonly #files: readonly Location[];
  readonly #options: PlannerOptions;
  readonly #findings: Findings;
  readonly #ctx: PlanContext;
  readonly #known = new Map<Node, Known>();
  readonly #shares = new Map<DraftFlow, MemoryShares>();
  readonly #fixed = new Map<Node, number>();

  constructor(
    flows: readonly DraftFlow[],
    files: readonly Location[],
    options: PlannerOptions,
    findings: Findings,
  ) {
    this.#flows = flows;
    this.#files = files;
    this.#options = options;
    this.#findings = findings;
    this.#ctx = { root: options.root, path: relative => resolve(options.root, relative) };
  }

  /** Columns of all steps; gives the steps that others should have taken rows from. */
  async carry(): Promise<Set<Node>> {
    const all = this.#flows.flatMap(f => f.nodes);
    const byDraft = new Map(all.map(n => [n.draft, n]));
    const source: SourceColumns = (draft, op) => this.#sourceColumns(byDraft.get(draft) as Node, op);
    return carryColumns(all, source, this.#known, this.#findings, this.#ctx);
  }

  async #sourceColumns(node: Node, op: EngineOperator): Promise<Columns | undefined> {
    const { params } = node.draft;
    if (op.shape !== 'source' || !params) return undefined;
    try {
      return await op.columns(params, this.#ctx);
    } catch (error) {
      const writer = writtenEarlier(node, this.#files)[0];
      // A file that an earlier flow will write: it will hold the columns which that step gets.
      if (writer) return this.#known.get(writer.node)?.inputs[0];
      this.#unavailable(node, error, 'missing-source');
      return undefined;
    }
  }

  /** Something outside the definition that is not there: a warning in check, an error in a run. */
  #unavailable(node: Node, error: unknown, code: string): void {
    const gone = error instanceof UserError && this.#missing(node, error);
    if (!gone) {
      this.#findings.add(operatorFailure(node.draft, error));
      return;
    }
    const file = this.#files.find(f => f.node === node && f.kind === 'read');
    this.#findings.add({
      severity: this.#options.mode === 'run' ? 'error' : 'warning',
      path: file?.path ?? ['steps', node.draft.index],
      code,
      message: error.message,
      help: error.help,
    });
  }

  /** Whether the error is that something is missing: by its cause, or since a location that is read is not there. */
  #missing(node: Node, error: UserError): boolean {
    const { cause } = error;
    if (isRecord(cause) && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return true;
    const files = this.#files.filter(f => f.node === node && f.kind === 'read');
    return (
      files.length === 0 ||
      files.some(f => !existsSync(f.where) && !(isGlob(f.where) && globSync(f.where).length > 0))
    );
  }

  /** Shares out a flow's memory, and checks what depends on it. */
  async share(flow: DraftFlow, memory: number): Promise<void> {
    const ready = flow.nodes.every(n => n.wired && n.draft.op && n.draft.params);
    for (const node of flow.nodes) this.#fixed.set(node, await this.#fixedBytes(node));
    if (!ready) return;
    const steps = flow.nodes.map(node => this.#memoryStep(node));
    const edges = flow.nodes.reduce((sum, n) => sum + n.from.length, 0);
    const { shares, problem } = shareMemory(memory, steps, edges);
    if (problem) {
      const node = flow.nodes.find(n => n.draft.id === problem.step);
      if (problem.step === undefined && this.#findings.errorAt('memory')) return;
      this.#findings.add({
        path: problem.step !== undefined && node ? ['steps', node.draft.index, 'memory'] : ['memory'],
        code: 'memory-too-small',
        message: problem.message,
        help: problem.help,
      });
    } else if (shares) {
      this.#shares.set(flow, shares);
      checkDiamonds(flow, shares.edges[0] ?? 0, this.#findings);
    }
  }

  #memoryStep(node: Node): MemoryStep {
    const { op, run, id } = node.draft;
    return {
      id: id ?? '',
      shape: (op as EngineOperator).shape,
      parallel: run.parallel,
      where: run.where,
      order: run.order,
      rebatches: this.#batchOf(node) !== undefined,
      fixedBytes: this.#fixed.get(node) ?? 0,
      asked: run.memory,
    };
  }

  async #fixedBytes(node: Node): Promise<number> {
    const { op, params } = node.draft;
    if (!op?.fixedBytes || !params) return 0;
    try {
      const bytes = await op.fixedBytes(params, this.#ctx);
      return Number.isFinite(bytes) && bytes > 0 ? Math.ceil(bytes) : 0;
    } catch (error) {
      // An index that an earlier flow will build has no size yet.
      if (writtenEarlier(node, this.#files).length === 0) this.#unavailable(node, error, 'missing-file');
      return 0;
    }
  }

  #batchBy(node: Node): readonly string[] {
    const { op, params } = node.draft;
    return (op?.shape === 'map' || op?.shape === 'sink') && params ? (op.batchBy?.(params) ?? []) : [];
  }

  #batchOf(node: Node): PlannedBatch | undefined {
    const { op, params, run } = node.draft;
    if (run.batch) return run.batch;
    const rows = op?.shape === 'map' && params ? op.batchRows?.(params) : undefined;
    if (rows !== undefined) return { rows, lingerMs: 50 };
    return this.#batchBy(node).length > 0 ? { lingerMs: 50 } : undefined;
  }

  async plan(flows: readonly DraftFlow[]): Promise<Flow[] | undefined> {
    const prints = new Map<Node, { row: string; step: string }>();
    for (const node of flows.flatMap(f => f.nodes)) {
      const { op, params } = node.draft;
      if (!op || !params) return undefined;
      const row = rowFingerprint(op, params, await this.#assets(node, op));
      const step = stepFingerprint(
        row,
        node.from.map(n => prints.get(n)?.step ?? ''),
      );
      prints.set(node, { row, step });
    }
    const out: Flow[] = [];
    for (const flow of flows) {
      const shares = this.#shares.get(flow);
      if (!shares) return undefined;
      let edge = 0;
      const edges = flow.nodes.flatMap(to =>
        to.from.map((from, input) => ({
          from: from.draft.id as string,
          to: to.draft.id as string,
          input,
          bytes: shares.edges[edge++],
        })),
      );
      const steps = flow.nodes.map((node, i) => this.#planned(node, shares.steps[i], prints.get(node)));
      if (steps.some(s => s === undefined)) return undefined;
      out.push({ steps: steps as PlannedStep[], edges });
    }
    return out;
  }

  async #assets(node: Node, op: EngineOperator): Promise<string[]> {
    const hashes: string[] = [];
    try {
      for (const path of op.assets?.(node.draft.params ?? {}, this.#ctx) ?? []) {
        const file = resolve(this.#ctx.root, path);
        if (!existsSync(file))
          throw new UserError(`${op.name} needs ${path}, which is not there`, { cause: { code: 'ENOENT' } });
        hashes.push(await hashAsset(file));
      }
    } catch (error) {
      if (!this.#findings.errorAt('steps', node.draft.index)) this.#unavailable(node, error, 'missing-file');
      hashes.push('missing');
    }
    return hashes;
  }

  #planned(node: Node, memory: number, prints?: { row: string; step: string }): PlannedStep | undefined {
    const { op, params, run, id, index } = node.draft;
    const known = this.#known.get(node);
    // Columns of a source that is not there cannot be known: no plan, and no error in check.
    if (!known || !op || !params || id === undefined || !prints) return undefined;
    return {
      id,
      index,
      op,
      params,
      from: node.from.map(n => n.draft.id as string),
      to: node.to.map(n => n.draft.id as string),
      ...(node.after.length > 0 && { after: node.after.map(n => n.draft.id as string) }),
      parallel: run.parallel,
      where: run.where,
      order: run.order,
      onError: run.onError,
      batch: this.#batchOf(node),
      batchBy: this.#batchBy(node),
      inputs: known.inputs,
      inputKeys: known.inputKeys,
      output: known.output,
      outputSchema: schemaOf(known.output),
      key: known.key,
      passes: known.passes,
      wantsGone: wantsGone(node),
      rowFingerprint: prints.row,
      fingerprint: prints.step,
      memory,
      fixedBytes: this.#fixed.get(node) ?? 0,
      ...(op.shape === 'source' && this.#options.limit !== undefined && { limit: this.#options.limit }),
      ...(op.shape !== 'sink' && node.to.length === 0 && { open: true }),
    };
  }
}

/** Whether something further down must hear of rows that went missing: a join, or an operator that asks for them. */
function wantsGone(node: Node): boolean {
  const seen = new Set<Node>(node.to);
  for (const n of seen) {
    const { op } = n.draft;
    if (op?.shape === 'join' || ((op?.shape === 'sink' || op?.shape === 'stream') && op.gone)) return true;
    for (const next of n.to) seen.add(next);
  }
  return false;
}
