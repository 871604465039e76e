import { ChainStream } from './chain.ts';
import { CjkStream } from './cjk.ts';
import { EnglishStream } from './english.ts';
import { KoreanStream } from './korean.ts';
import { LanguageStream } from './language.ts';
import { type AnalyzerSpec, type ResolvedSpec, resolveSpec, specFingerprint } from './spec.ts';
import type { TermStream } from './term-stream.ts';
import { StandardStream, WhitespaceStream } from './words.ts';

/** A term and the UTF-16 code units `text.slice(start, end)` it came from. */
export interface TermSpan {
  term: string;
  start: number;
  end: number;
}

export interface Analyzer {
  readonly name: ResolvedSpec['name'];
  /** The spec with every default filled in: plain JSON, stored by an index and compared on opening. */
  readonly spec: ResolvedSpec;
  /** sha256 over the resolved spec and the analyzer version: equal fingerprints give equal terms. */
  readonly fingerprint: string;
  /** The terms of a text in text order. */
  terms(text: string): string[];
  /** As `terms`, each with its place in the text. */
  spans(text: string): TermSpan[];
  /** A fresh stream for indexing UTF-8 bytes to term ids. */
  stream(): TermStream;
}

// A query-side dictionary is dropped when it has grown past this many bytes.
const QUERY_CACHE_BYTES = 16 << 20;

function openStream(spec: ResolvedSpec): TermStream {
  switch (spec.name) {
    case 'english':
      return new EnglishStream(spec);
    case 'korean':
      return new KoreanStream(spec);
    case 'standard':
      return new StandardStream();
    case 'whitespace':
      return new WhitespaceStream(spec.lowercase);
    case 'cjk':
      return new CjkStream();
    case 'ngrams':
      return new ChainStream(new StandardStream(), [{ ngrams: { min: spec.min, max: spec.max } }]);
    case 'custom':
      return new ChainStream(openStream(spec.tokenizer), spec.filters);
    default:
      return new LanguageStream(spec);
  }
}

/**
 * Builds an analyzer from a name or an object with options.
 * Throws AnalyzerError for an unknown name, an unknown option or a value out of range.
 */
export function createAnalyzer(spec: AnalyzerSpec): Analyzer {
  const resolved = resolveSpec(spec);
  const encoder = new TextEncoder();
  let stream: TermStream | undefined;
  let words: string[] = [];
  let buffer = new Uint8Array(4096);

  const analyze = (text: string): { open: TermStream; count: number; bytes: number } => {
    if (stream === undefined || stream.memoryBytes > QUERY_CACHE_BYTES) {
      stream = openStream(resolved);
      words = [];
    }
    if (buffer.length < text.length * 3) buffer = new Uint8Array(text.length * 3);
    const { written } = encoder.encodeInto(text, buffer);
    return { open: stream, count: stream.analyze(buffer, 0, written), bytes: written };
  };
  const word = (open: TermStream, id: number): string => {
    words[id] ??= open.term(id);
    return words[id];
  };

  return {
    name: resolved.name,
    spec: resolved,
    fingerprint: specFingerprint(resolved),
    terms(text) {
      const { open, count } = analyze(text);
      const out = new Array<string>(count);
      for (let i = 0; i < count; i++) out[i] = word(open, open.ids[i]);
      return out;
    },
    spans(text) {
      const { open, count, bytes } = analyze(text);
      const units = count === 0 ? undefined : utf16Offsets(buffer, bytes);
      const out = new Array<TermSpan>(count);
      for (let i = 0; i < count; i++) {
        const start = open.starts[i];
        const end = open.ends[i];
        out[i] = {
          term: word(open, open.ids[i]),
          start: units === undefined ? start : units[start],
          end: units === undefined ? end : units[end],
        };
      }
      return out;
    },
    stream: () => openStream(resolved),
  };
}

/** UTF-16 offset of every byte of a UTF-8 text; undefined where the text is ASCII and both are equal. */
function utf16Offsets(bytes: Uint8Array, length: number): Int32Array | undefined {
  let ascii = true;
  for (let i = 0; i < length && ascii; i++) ascii = bytes[i] < 0x80;
  if (ascii) return undefined;
  const units = new Int32Array(length + 1);
  let unit = 0;
  for (let i = 0; i < length; i++) {
    units[i] = unit;
    const next = bytes[i + 1];
    // A character's units are counted at its last byte; four bytes are two units.
    if (i + 1 === length || (next & 0xc0) !== 0x80) unit += fourBytes(bytes, i) ? 2 : 1;
  }
  units[length] = unit;
  return units;
}

function fourBytes(bytes: Uint8Array, last: number): boolean {
  return last >= 3 && bytes[last - 3] >= 0xf0;
}
