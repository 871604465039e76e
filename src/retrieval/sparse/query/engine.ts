import type { Analyzer } from '../../analysis/index.ts';
import { hasBit } from '../bitmap.ts';
import type { StoredField } from '../columns.ts';
import { IndexError } from '../errors.ts';
import { expand } from '../feedback.ts';
import type { Fields } from '../fields.ts';
import type { OpenSegment } from '../open-segment.ts';
import { SearchMemory } from '../search.ts';
import { type ResolvedScoring, resolveScoring } from '../similarity/scoring-spec.ts';
import { TopK } from '../top-k.ts';
import { type Clause, emptyGroup, type GroupClause, scoredClauses } from './ast.ts';
import { type CompiledQuery, compile } from './compile.ts';
import { type DocumentExplanation, explainDocument } from './explain.ts';
import { checkFilter, filterBits } from './filter.ts';
import { Members } from './members.ts';
import { parseQuery, plainQuery } from './parse.ts';
import { asBag, searchBag } from './pruned.ts';
import { rangesOf, runQuery, type Searched } from './run.ts';
import { SegmentQuery } from './segment-query.ts';
import type { QueryHost } from './space-scoring.ts';
import type { Filter, Query, QueryOptions, StructuredQuery } from './types.ts';

/** What the query engine needs of an open index. */
export interface EngineHost extends QueryHost {
  readonly analyzer: Analyzer;
  readonly fields: Fields;
  readonly keyColumn: string;
  readonly columns: readonly StoredField[];
  /** Whether document a's key sorts before b's. */
  before(a: number, b: number): boolean;
  /** The segment that holds a document. */
  segmentOf(doc: number): OpenSegment;
}

/** A query looked up in an index. */
interface Plan {
  clause: GroupClause;
  scoring: ResolvedScoring;
  compiled: CompiledQuery;
  /** Deleted documents and those the filter refuses, a bitmap a segment. */
  excluded: (Uint8Array | undefined)[];
}

const KEPT_FILTERS = 8;

/** Queries beyond a bag of words under one similarity. */
export class QueryEngine {
  private readonly host: EngineHost;
  private readonly members: Members;
  private readonly memory = new SearchMemory();
  private readonly filters = new Map<string, (Uint8Array | undefined)[]>();

  constructor(host: EngineHost) {
    this.host = host;
    this.members = new Members(host, host.fields);
  }

  /** The k best hits. Throws IndexError 'argument' for a query, similarity or filter that does not fit the index. */
  search(query: Query, k: number, options: QueryOptions): { docs: Int32Array; scores: Float64Array } {
    return this.top(this.plan(query, options), k);
  }

  /** How a document (by number) comes to its score. */
  explain(query: Query, doc: number, options: QueryOptions): DocumentExplanation {
    const plan = this.plan(query, options);
    const open = this.host.segmentOf(doc);
    const ranges =
      plan.scoring.combine === 'mean' ? rangesOf(plan.compiled, this.searched(plan), this.host.segments) : [];
    const local = doc - open.firstDocument;
    const nodes = this.nodes(open, plan);
    const explained = explainDocument(plan.compiled, nodes, local, ranges, this.host);
    const excluded = hasBit(plan.excluded[this.host.segments.indexOf(open)], local);
    return excluded ? { ...explained, matches: false } : explained;
  }

  /** The query as it is searched for, with the terms that feedback adds where it is asked for. */
  clause(query: Query, options: QueryOptions): GroupClause {
    return this.plan(query, options).clause;
  }

  private top(plan: Plan, k: number): { docs: Int32Array; scores: Float64Array } {
    const { host } = this;
    const top = new TopK(Math.min(k, Math.max(1, host.documents)), (a, b) => host.before(a, b));
    const bag = asBag(plan.compiled);
    if (bag !== undefined) {
      host.segments.forEach((open, s) => {
        searchBag(bag, plan.compiled.members[0].constant, open, plan.excluded[s], this.memory, top);
      });
    } else runQuery(plan.compiled, this.searched(plan), host.segments, top);
    return top.take();
  }

  private searched(plan: Plan): Searched[] {
    return this.host.segments.map((open, s) => ({
      open,
      nodes: this.nodes(open, plan),
      excluded: plan.excluded[s],
    }));
  }

  private nodes(open: OpenSegment, plan: Plan): SegmentQuery {
    const { fields, analyzer } = this.host;
    return new SegmentQuery(open, plan.compiled, fields, text => analyzer.terms(text));
  }

  private plan(given: Query, options: QueryOptions): Plan {
    const { host, members } = this;
    const query: StructuredQuery = typeof given === 'string' ? { text: given } : given;
    const weightsField = query.weights === undefined ? undefined : this.weightsField(query.field);
    const scoring = resolveScoring(options.similarity ?? this.defaultScoring(query, weightsField));
    const clause = this.parse(query, options, weightsField);
    this.checkPhrases(clause);
    const excluded = this.excluded(options.filter);
    const plan: Plan = {
      clause,
      scoring,
      compiled: compile(clause, scoring, host, host.fields, members),
      excluded,
    };
    if (options.feedback === undefined || options.feedback === false) return plan;
    const settings = options.feedback === true ? {} : options.feedback;
    const wider = expand(clause, settings, weightsField, host, documents => this.top(plan, documents));
    return { ...plan, clause: wider, compiled: compile(wider, scoring, host, host.fields, members) };
  }

  private parse(
    query: StructuredQuery,
    options: QueryOptions,
    weightsField: string | undefined,
  ): GroupClause {
    const { analyzer, fields } = this.host;
    const { syntax = 'plain', field } = options;
    if (syntax !== 'plain' && syntax !== 'query')
      throw new IndexError('argument', `syntax: is ${JSON.stringify(syntax)}, wanted 'plain' or 'query'`);
    if (field !== undefined && fields.space(field).kind !== 'text')
      throw new IndexError(
        'argument',
        `field "${field}": holds weights; a text is searched in a field of text`,
      );
    const context = {
      terms: (text: string) => analyzer.terms(text),
      isField: (name: string) => fields.isText(name),
    };
    let clause = emptyGroup();
    if (query.text !== undefined) {
      fields.space();
      clause = (syntax === 'query' ? parseQuery : plainQuery)(query.text, context, field);
    }
    const weights = query.weights instanceof Map ? query.weights : Object.entries(query.weights ?? {});
    for (const [word, boost] of weights) {
      if (!Number.isFinite(boost)) throw new IndexError('argument', `weights: "${word}" has weight ${boost}`);
      if (boost !== 0) clause.should.push({ kind: 'term', word, field: weightsField, boost });
    }
    return clause;
  }

  /** Whose terms the weights of a query are of; undefined: of all text. */
  private weightsField(given: string | undefined): string | undefined {
    const { fields } = this.host;
    if (given !== undefined) {
      fields.space(given);
      return given;
    }
    const found = fields.layout.fields.filter(f => f.kind === 'weights');
    if (found.length === 0) return undefined;
    if (found.length === 1) return found[0].name;
    throw new IndexError(
      'argument',
      `weights: name the field they are of: ${found.map(f => f.name).join(', ')}`,
    );
  }

  private defaultScoring(query: StructuredQuery, weightsField: string | undefined) {
    const { fields } = this.host;
    const impacts = weightsField !== undefined && !fields.isText(weightsField);
    return query.text === undefined && impacts ? ('impact' as const) : ('lucene' as const);
  }

  /** Phrases need places, or the text they are looked for in. */
  private checkPhrases(clause: Clause): void {
    const { fields, columns } = this.host;
    if (fields.layout.positions) return;
    const missing = fields.textNames.filter(name => !columns.some(c => c.name === name && c.type === 'utf8'));
    if (missing.length === 0 || ![...allClauses(clause)].some(c => c.kind === 'phrase')) return;
    throw new IndexError(
      'argument',
      `a phrase: the index keeps no positions and does not store ${missing.map(m => `"${m}"`).join(', ')}; ` +
        'build it with positions, or store the text',
    );
  }

  private excluded(filter: Filter | undefined): (Uint8Array | undefined)[] {
    const { segments, keyColumn, columns } = this.host;
    if (filter === undefined || Object.keys(filter).length === 0)
      return segments.map(open => open.tombstones?.bits);
    const key = JSON.stringify(filter);
    const kept = this.filters.get(key);
    if (kept !== undefined) return kept;
    const conditions = checkFilter(filter, keyColumn, columns);
    const made = segments.map(open => {
      const bits = filterBits(open, conditions, keyColumn);
      const deleted = open.tombstones?.bits;
      for (let i = 0; i < bits.length; i++) bits[i] = ~bits[i] | (deleted === undefined ? 0 : deleted[i]);
      return bits;
    });
    if (this.filters.size >= KEPT_FILTERS) this.filters.delete(this.filters.keys().next().value as string);
    this.filters.set(key, made);
    return made;
  }
}

/** Every clause but groups, those that must not match included. */
function* allClauses(clause: Clause): Generator<Clause> {
  if (clause.kind !== 'group') yield* scoredClauses(clause);
  else for (const child of [...clause.must, ...clause.should, ...clause.not]) yield* allClauses(child);
}
