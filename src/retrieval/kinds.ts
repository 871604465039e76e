/** What can be done with an index of any kind, by its kind. A kind's code is loaded when it is asked for. */
import type { Compacted } from './store/compact.ts';
import { type IndexKind, indexKind } from './store/kind.ts';
import type { VerifyReport } from './store/verify.ts';

/** What an index says of itself. */
export interface IndexFacts {
  /** Everything, as plain data. */
  readonly info: {
    readonly documents: number;
    readonly keyColumn: string;
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    readonly bytes: number;
    readonly segments: number;
    readonly generation: number;
  };
  /** `dense (exact)` */
  readonly kind: string;
  /** What only its kind has, to show; numbers are counts. */
  readonly own: readonly (readonly [name: string, value: string | number])[];
}

/** All of them throw IndexError where the folder holds no index of the kind, or one that is damaged or locked. */
export interface IndexActions {
  facts(dir: string): Promise<IndexFacts>;
  /** Reads every file of every generation. */
  verify(dir: string): Promise<VerifyReport>;
  /** One segment without deleted rows; answers stay as they are. */
  compact(dir: string): Promise<Compacted>;
  /** Makes the generation before the live one; gives its number. */
  rollback(dir: string): Promise<number>;
}

const count = (n: number): string => n.toLocaleString('en');
const NO_MODEL = 'it names none: vectors that were made elsewhere';

const sparse = () => import('./sparse/index.ts');
const dense = () => import('./dense/index.ts');
const late = () => import('./late/index.ts');

const ACTIONS: Readonly<Record<IndexKind, IndexActions>> = {
  sparse: {
    facts: async dir => {
      const { info } = await seen((await sparse()).SparseIndex.open(dir, { preload: false }));
      const { name, ...options } = info.analyzer.spec as { name: string };
      const set = Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : '';
      return {
        info,
        kind: 'sparse (inverted)',
        own: [
          ['terms', info.terms],
          ['mean length', `${info.averageLength.toFixed(1)} terms`],
          ['analyzer', `${name}${set}`],
        ],
      };
    },
    verify: async dir => (await sparse()).verify(dir),
    compact: async dir => (await sparse()).compact(dir),
    rollback: async dir => (await sparse()).rollback(dir),
  },
  dense: {
    facts: async dir => {
      const { info } = await seen((await dense()).DenseIndex.open(dir, { cacheBytes: 0 }));
      const { GRAPH_ROWS } = await dense();
      const { dimension, precision, metric, approximate } = info.settings;
      const graphs = info.graphs.map(
        g => `${count(g.documents)} vectors, ${g.search} candidates, recall ${g.recall.toFixed(3)}`,
      );
      return {
        info,
        kind: `dense (${approximate === null ? 'exact' : 'hnsw'})`,
        own: [
          ['vectors', `${dimension} numbers, ${precision}, ${metric}`],
          ['model', info.settings.model?.name ?? NO_MODEL],
          ...(graphs.length > 0
            ? [['graphs', graphs.join('; ')] as const]
            : approximate === null
              ? []
              : [
                  [
                    'graphs',
                    `none; segments of less than ${count(GRAPH_ROWS)} rows are searched exactly`,
                  ] as const,
                ]),
        ],
      };
    },
    verify: async dir => (await dense()).verifyDense(dir),
    compact: async dir => (await dense()).compactDense(dir),
    rollback: async dir => (await dense()).rollbackDense(dir),
  },
  late: {
    facts: async dir => {
      const { info } = await seen((await late()).LateIndex.open(dir, { cacheBytes: 0 }));
      const { from, dimension, bits, codebook } = info.settings;
      const kept = `${dimension} of ${bits} ${bits === 1 ? 'bit' : 'bits'}`;
      return {
        info,
        kind: 'late (token vectors)',
        own: [
          ['tokens', info.tokens],
          ['vectors', `${from} numbers, kept as ${kept}`],
          ['model', info.settings.model?.name ?? NO_MODEL],
          ['centroids', codebook?.centroids ?? 0],
        ],
      };
    },
    verify: async dir => (await late()).verifyLate(dir),
    compact: async dir => (await late()).compactLate(dir),
    rollback: async dir => (await late()).rollbackLate(dir),
  },
};

async function seen<T extends { close(): void }>(opening: Promise<T>): Promise<T> {
  const index = await opening;
  index.close();
  return index;
}

/** Where a folder does not say its kind, those of a sparse index, which say what is wrong with it. */
export const indexActions = (dir: string): { readonly kind: IndexKind } & IndexActions => {
  const kind = indexKind(dir) ?? 'sparse';
  return { kind, ...ACTIONS[kind] };
};
