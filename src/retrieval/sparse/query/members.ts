import { IndexError } from '../errors.ts';
import type { Fields, TermSpace } from '../fields.ts';
import type { Member, ResolvedBm25f, ResolvedScoring } from '../similarity/scoring-spec.ts';
import { luceneIdf, pivotedLength } from '../similarity/types.ts';
import { collectionOf, pivotTable, type QueryHost, SpaceScoring } from './space-scoring.ts';

/** One field under bm25f. */
export interface FlowField {
  name: string;
  space: TermSpace;
  weight: number;
  b: number;
  averageLength: number;
  pivots: Float64Array;
}

/** bm25f over an open index. */
export class FlowScoring {
  readonly k1: number;
  readonly fields: readonly FlowField[];
  readonly documents: number;

  constructor(host: QueryHost, index: Fields, spec: ResolvedBm25f, only: string | undefined) {
    const names = index.textNames;
    for (const given of [spec.weights, typeof spec.b === 'number' ? {} : spec.b]) {
      for (const name of Object.keys(given)) {
        if (!names.includes(name))
          throw new IndexError(
            'argument',
            `similarity bm25f: no text field "${name}"; there are ${names.join(', ')}`,
          );
      }
    }
    this.k1 = spec.k1;
    this.documents = host.documents;
    this.fields = names
      .filter(name => (spec.weights[name] ?? 1) > 0 && (only === undefined || only === name))
      .map(name => {
        const space = index.space(name);
        const b = typeof spec.b === 'number' ? spec.b : (spec.b[name] ?? 0.75);
        const collection = collectionOf(host, space);
        const pivots = pivotTable(host, space.field, pivotedLength(b, collection));
        return {
          name,
          space,
          weight: spec.weights[name] ?? 1,
          b,
          averageLength: collection.averageLength,
          pivots,
        };
      });
  }

  /** n counts documents that hold the term in any field. */
  idf(n: number): number {
    return luceneIdf(this.documents, n);
  }
}

/** A member of a scoring, made ready for the clauses of one field. */
export type OpenMember = { kind: 'space'; scoring: SpaceScoring } | { kind: 'flow'; scoring: FlowScoring };

/** Makes members ready for fields and keeps what it made. */
export class Members {
  private readonly host: QueryHost;
  private readonly fields: Fields;
  private readonly kept = new Map<string, OpenMember>();

  constructor(host: QueryHost, fields: Fields) {
    this.host = host;
    this.fields = fields;
  }

  /** A member over a field, or over its own where none is named; undefined where it scores no such field. */
  open(member: Member, field: string | undefined): OpenMember | undefined {
    const own = this.ownField(member);
    const { scorer } = member;
    const isWeights = scorer.kind === 'weights';
    if (field !== undefined && this.fields.isText(field) === isWeights) return undefined;
    if (field === undefined && isWeights) return undefined;
    // A clause that names its field is scored there, whatever field the member is for.
    if (isWeights && field !== own) return undefined;
    const place = field ?? own;
    const key = `${member.key}\n${place ?? ''}`;
    const kept = this.kept.get(key);
    if (kept !== undefined) return kept;
    if (this.kept.size >= 16) this.kept.clear();
    const open: OpenMember =
      scorer.kind === 'bm25f'
        ? { kind: 'flow', scoring: new FlowScoring(this.host, this.fields, scorer, place) }
        : {
            kind: 'space',
            scoring: new SpaceScoring(this.host, scorer.similarity, this.fields.space(place)),
          };
    this.kept.set(key, open);
    return open;
  }

  /** Checks that the index has what the members score. Throws IndexError 'argument'. */
  check(scoring: ResolvedScoring): void {
    for (const member of scoring.members) {
      const own = this.ownField(member);
      const wanted = member.scorer.kind === 'weights' ? 'weights' : 'text';
      const space = own === undefined ? this.fields.space() : this.fields.space(own);
      if (space.kind !== wanted)
        throw new IndexError(
          'argument',
          `similarity ${member.name}: field "${own}" is of ${space.kind}, it scores ${wanted}`,
        );
      if (member.scorer.kind === 'bm25f') this.open(member, own);
    }
  }

  /** The field a member scores: named, or the only one there is of weights. */
  ownField(member: Member): string | undefined {
    if (member.field !== undefined || member.scorer.kind !== 'weights') return member.field;
    const found = this.fields.layout.fields.filter(f => f.kind === 'weights');
    if (found.length === 1) return found[0].name;
    throw new IndexError(
      'argument',
      found.length === 0
        ? 'similarity impact: the index has no field of weights; build it with one'
        : `similarity impact: name one of the fields ${found.map(f => f.name).join(', ')}`,
    );
  }
}
