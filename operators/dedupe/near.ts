import { z } from 'zod';
import { HASH_BYTES, utf8, utf8View } from '../../src/arrow/index.ts';
import { operator, type StepState } from '../../src/define/index.ts';
import { keptStream } from './exact.ts';
import { compareKeys, type Documents, type Id, type Rule } from './kept.ts';
import { MinHash, rowsInBand, similarity } from './minhash.ts';

interface Params {
  readonly text: string;
  readonly words: number;
  readonly hashes: number;
  readonly threshold: number;
}

/** A document goes where one of a smaller key is near: that depends on the two alone. */
function nearTexts(p: Params, state: StepState, docs: Documents): Rule {
  const minhash = new MinHash(p.words, p.hashes);
  const rows = rowsInBand(p.hashes, p.threshold);
  const bands = Math.floor(p.hashes / rows);
  const signatureOf = (traits: Buffer): Uint32Array =>
    new Uint32Array(traits.buffer.slice(traits.byteOffset, traits.byteOffset + traits.length));
  const bandsOf = (traits: Buffer): Buffer[] =>
    Array.from({ length: bands }, (_, i) =>
      Buffer.concat([Buffer.from([0x62, i]), traits.subarray(i * rows * 4, (i + 1) * rows * 4)]),
    );
  const members = (band: Buffer): Id[] => {
    const bytes = state.get(band);
    const text = bytes ? Buffer.from(bytes).toString('latin1') : '';
    return Array.from({ length: text.length / HASH_BYTES }, (_, i) =>
      text.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
  };
  const put = (band: Buffer, ids: readonly Id[]): void => {
    if (ids.length === 0) state.delete(band);
    else state.put(band, Buffer.from(ids.join(''), 'latin1'));
  };
  // documents that share a band, once each
  function* beside(id: Id, traits: Buffer): Generator<Id> {
    const seen = new Set<Id>([id]);
    for (const band of bandsOf(traits)) {
      for (const other of members(band)) {
        if (seen.has(other)) continue;
        seen.add(other);
        yield other;
      }
    }
  }
  const larger = (id: Id, key: readonly unknown[], traits: Buffer): Id[] => {
    const own = signatureOf(traits);
    return [...beside(id, traits)].filter(other => {
      const doc = docs.get(other);
      return (
        doc &&
        compareKeys(key as never, doc.key) < 0 &&
        similarity(own, signatureOf(doc.traits)) >= p.threshold
      );
    });
  };
  return {
    traits: batch => {
      const text = utf8View(batch, p.text);
      return row => Buffer.from(minhash.signature(text.get(row)).buffer);
    },
    add: (id, key, traits) => {
      for (const band of bandsOf(traits)) put(band, [...members(band), id]);
      return larger(id, key, traits);
    },
    remove: (id, key, traits) => {
      for (const band of bandsOf(traits))
        put(
          band,
          members(band).filter(other => other !== id),
        );
      return larger(id, key, traits);
    },
    stays: (id, key, traits) => {
      const own = signatureOf(traits);
      for (const other of beside(id, traits)) {
        const doc = docs.get(other);
        if (!doc || compareKeys(doc.key, key) > 0) continue;
        if (similarity(own, signatureOf(doc.traits)) >= p.threshold) return false;
      }
      return true;
    },
  };
}

export const dedupeNear = operator({
  name: 'dedupe.near',
  version: 1,
  shape: 'stream',
  changes: true,
  summary: 'Leaves out documents whose text is nearly that of another.',
  description: `Texts are compared by MinHash (Broder 1997): the shingles of \`words\` words of two texts, lower case, without marks
between words, and the share of them that both have (Jaccard), estimated from \`hashes\` hashes. Candidates are found by
bands of the signature (LSH), laid out so that a pair at the threshold is found with a probability of .95; farther
above it, nearly always. A document goes where one of a smaller key is as near as \`threshold\` or nearer, whether that
one stays or not, so the result does not depend on the order in which documents come.

The standard error of the estimate is at most .5 / √hashes. Incremental: the step remembers a signature of 4 bytes a
hash for each document, and the rows it has put aside; when the one in front of them goes, they come in.`,
  params: z.strictObject({
    text: z.string().default('text').describe('the column of texts'),
    threshold: z.number().gt(0).max(1).default(0.8).describe('similarity from which a document is left out'),
    words: z.int().positive().default(3).describe('words in a shingle; shorter texts are one shingle'),
    hashes: z.int().min(16).max(512).default(128).describe('hashes in a signature'),
  }),
  reads: p => ({ [p.text]: utf8() }),
  writes: () => ({}),
  examples: [
    {
      title: 'A text with one word more',
      with: { threshold: 0.5, words: 1 },
      in: [
        { doc_id: 'a', text: 'The port of Busan is the largest port in the country.' },
        { doc_id: 'b', text: 'Seoul is a city.' },
        { doc_id: 'c', text: 'The port of Busan is the largest port in the whole country!' },
      ],
      out: [
        { doc_id: 'a', text: 'The port of Busan is the largest port in the country.' },
        { doc_id: 'b', text: 'Seoul is a city.' },
      ],
    },
  ],
  open: (p, ctx) => keptStream(ctx, (state, docs) => nearTexts(p, state, docs)),
});
