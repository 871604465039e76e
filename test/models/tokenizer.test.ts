import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PairRows, TokenRows } from '../../src/models/token-rows.ts';
import { Tokenizer } from '../../src/models/tokenizer.ts';
import { hangulRule } from '../../src/models/tokenizer-json.ts';

// Made by bench/models/tokenizer_goldens.py with Python's tokenizers package.
interface Golden {
  ids?: number[];
  offsets?: number[];
  count?: number;
  ids_sha256?: string;
  offsets_sha256?: string;
}
interface PairGolden {
  a: string;
  b: string;
  ids: number[];
  types: number[];
  segments: number[];
  offsets: number[];
}
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const goldens = JSON.parse(readFileSync(at('fixtures/goldens.json'), 'utf8')) as {
  lines: string[];
  texts: Record<string, string>;
  pairs: Record<string, PairGolden[]>;
} & Record<string, Record<string, Golden>>;
const files: Record<string, string> = {
  wordpiece: at('../../models/default/tokenizer.json'),
  bpe: at('fixtures/bpe.json'),
  unigram: at('fixtures/unigram.json'),
};

const long = Array.from({ length: 2000 }, (_, i) => `${i} ${goldens.lines[i % goldens.lines.length]}`).join(
  ' ',
);
const texts: Record<string, string> = { ...goldens.texts, '100k': [...long].slice(0, 100_000).join('') };
const digest = (values: number[]): string => createHash('sha256').update(values.join(',')).digest('hex');

/** Offsets of a row as the reference counts them: in code points. */
function codePoints(text: string, tokens: TokenRows, row: number): number[] {
  const points = new Int32Array(text.length + 1);
  let n = 0;
  for (let i = 0; i < text.length; ) {
    const units = (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
    points[i] = n++;
    i += units;
  }
  points[text.length] = n;
  const found: number[] = [];
  for (let t = tokens.offsets[row]; t < tokens.offsets[row + 1]; t++) {
    found.push(points[(tokens.starts as Int32Array)[t]], points[(tokens.ends as Int32Array)[t]]);
  }
  return found;
}

const idsOf = (tokens: TokenRows, row: number): number[] => [
  ...tokens.ids.subarray(tokens.offsets[row], tokens.offsets[row + 1]),
];

/** The reference, where it composes, ends a span after the first of the characters that it joined: here behind the last. */
function withWholeClusters(text: string, golden: Golden): Golden {
  const points = [...text];
  const offsets = (golden.offsets as number[]).map((offset, i, all) => {
    let end = offset;
    if (i % 2 === 1 && all[i - 1] < end) while (/[\p{M}\u1160-\u11ff]/u.test(points[end] ?? '')) end++;
    return end;
  });
  return { ...golden, offsets };
}

function expectGolden(text: string, tokens: TokenRows, row: number, golden: Golden): void {
  const ids = idsOf(tokens, row);
  const offsets = codePoints(text, tokens, row);
  if (golden.ids) {
    expect(ids).toEqual(golden.ids);
    expect(offsets).toEqual(golden.offsets);
  } else {
    expect(ids.length).toBe(golden.count);
    expect(digest(ids)).toBe(golden.ids_sha256);
    expect(digest(offsets)).toBe(golden.offsets_sha256);
  }
}

describe.each(Object.keys(files))('%s: ids and offsets of the reference', kind => {
  it('for every text, in one batch', async () => {
    const tokenizer = await Tokenizer.open(files[kind]);
    const names = Object.keys(texts);
    const tokens = await tokenizer.encode(
      names.map(name => texts[name]),
      { offsets: true },
    );
    names.forEach((name, row) => {
      const golden = goldens[kind][name];
      const joined = kind === 'unigram' && name.endsWith('-nfd');
      expectGolden(texts[name], tokens, row, joined ? withWholeClusters(texts[name], golden) : golden);
    });
    expect(tokens.cutRows).toBe(0);
  });

  it('for pairs, with types and segments', async () => {
    const tokenizer = await Tokenizer.open(files[kind]);
    const wanted = goldens.pairs[kind];
    const pairs: PairRows = await tokenizer.encodePairs(
      wanted.map(p => p.a),
      wanted.map(p => p.b),
      { offsets: true },
    );
    wanted.forEach((golden, row) => {
      const [from, to] = [pairs.offsets[row], pairs.offsets[row + 1]];
      expect([...pairs.ids.subarray(from, to)]).toEqual(golden.ids);
      expect([...pairs.typeIds.subarray(from, to)]).toEqual(golden.types);
      expect([...pairs.segment.subarray(from, to)]).toEqual(golden.segments);
      const flat = golden.ids.flatMap((_, t) => [pairs.starts?.[from + t], pairs.ends?.[from + t]]);
      expect(flat).toEqual(golden.offsets);
    });
  });
});

describe('offsets', () => {
  it('count UTF-16 code units, so that slices are the words', async () => {
    const tokenizer = await Tokenizer.open(files.wordpiece);
    const text = '😀😀 party 🎉 at the end';
    const tokens = await tokenizer.encode([text], { offsets: true, specials: false });
    const words = idsOf(tokens, 0).map((_, t) => text.slice(tokens.starts?.[t], tokens.ends?.[t]));
    expect(words).toContain('party');
    expect(words.slice(-3)).toEqual(['at', 'the', 'end']);
  });
});

describe('the fast path', () => {
  it('gives what the reference gives on any text', async () => {
    const fast = await Tokenizer.open(files.wordpiece);
    const slow = await Tokenizer.open(files.wordpiece, { reference: true });
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        ' ',
        '  ',
        '\t',
        '\u200b',
        '\u00ad',
        'the',
        'Unbelievable',
        'É',
        'e\u0301',
        '서울',
        '東',
        '[MASK]',
        '’s',
        'ß',
        'ﬁ',
        'İ',
        '½',
        '٣',
        '\u0000',
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 12 }), { minLength: 1, maxLength: 8 }),
        async drawn => {
          const batch = drawn.map(parts => parts.join(''));
          const options = { offsets: true };
          expect(await fast.encode(batch, options)).toEqual(await slow.encode(batch, options));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives what the reference gives for every character of the basic plane', async () => {
    const fast = await Tokenizer.open(files.wordpiece);
    const slow = await Tokenizer.open(files.wordpiece, { reference: true });
    const lines: string[] = [];
    for (let code = 0; code < 0x10000; code += 64) {
      const parts = Array.from({ length: 64 }, (_, i) => `a${String.fromCharCode(code + i)}b`);
      lines.push(parts.join(' '));
    }
    const [found, wanted] = [
      await fast.encode(lines, { offsets: true }),
      await slow.encode(lines, { offsets: true }),
    ];
    expect(found).toEqual(wanted);
  });
});

describe('cutting', () => {
  it('keeps special tokens and counts what was cut', async () => {
    const tokenizer = await Tokenizer.open(files.wordpiece);
    const tokens = await tokenizer.encode(['one two three four five six', 'one two', '서울 둘 셋 넷'], {
      maxTokens: 5,
    });
    expect(idsOf(tokens, 0)).toEqual([101, 2028, 2048, 2093, 102]);
    expect(idsOf(tokens, 1)).toEqual([101, 2028, 2048, 102]);
    expect([...tokens.cut]).toEqual([1, 0, 1]);
    expect(tokens.cutRows).toBe(2);
    await expect(tokenizer.encode(['a'], { maxTokens: 2 })).rejects.toThrow(/maxTokens: 2 leaves no token/);
  });

  it('cuts pairs into windows that share a stride and cover the second text', async () => {
    const tokenizer = await Tokenizer.open(files.wordpiece);
    const context = Array.from({ length: 50 }, (_, i) => `word${i}`).join(' ');
    const whole = await tokenizer.encode([context], { specials: false });
    const size = whole.offsets[1];
    const windows = await tokenizer.encodePairs(['what is it'], [context], {
      maxTokens: 26,
      overflow: 'windows',
      stride: 6,
      offsets: true,
    });
    // 3 tokens of the question and 3 special ones leave 20; each window goes 14 on
    expect(windows.rows).toBe(Math.ceil((size - 20) / 14) + 1);
    const covered = new Set<number>();
    for (let r = 0; r < windows.rows; r++) {
      expect(windows.offsets[r + 1] - windows.offsets[r]).toBeLessThanOrEqual(26);
      for (let t = windows.offsets[r]; t < windows.offsets[r + 1]; t++)
        if (windows.segment[t] === 1) covered.add(windows.starts?.[t] as number);
    }
    const all = await tokenizer.encode([context], { specials: false, offsets: true });
    expect(covered).toEqual(new Set(all.starts));
    expect([...windows.pair]).toEqual(new Array(windows.rows).fill(0));
    await expect(
      tokenizer.encodePairs(['a b'], [context], { maxTokens: 26, overflow: 'windows', stride: 30 }),
    ).rejects.toThrow(/stride: 30 tokens, but a window has only 21/);
  });

  it('cuts the longest of a pair token by token', async () => {
    const tokenizer = await Tokenizer.open(files.wordpiece);
    const lengthsOf = async (a: number, b: number): Promise<[number, number]> => {
      const rows = await tokenizer.encodePairs(['one '.repeat(a)], ['two '.repeat(b)], { maxTokens: 13 });
      const segment = [...rows.segment];
      return [segment.filter(s => s === 0).length, segment.filter(s => s === 1).length];
    };
    // 13 tokens less three special ones
    expect(await lengthsOf(20, 20)).toEqual([5, 5]);
    expect(await lengthsOf(2, 20)).toEqual([2, 8]);
    expect(await lengthsOf(20, 3)).toEqual([7, 3]);
  });
});

describe('Hangul', () => {
  const file = at('fixtures/korean-wordpiece.json');

  it('meets a vocabulary of syllables that the configured normalizer would miss', async () => {
    const unknown = 1;
    const configured = goldens['korean-as-configured'].korean.ids as number[];
    expect(configured.filter(id => id === unknown).length).toBeGreaterThan(5);
    const tokenizer = await Tokenizer.open(file);
    expect(tokenizer.hangul).toBe('recomposed after');
    const text = goldens.texts.korean;
    const tokens = await tokenizer.encode([text, text.normalize('NFD')], { offsets: true });
    expectGolden(text, tokens, 0, goldens['korean-composed'].korean);
    expect(idsOf(tokens, 1)).toEqual(idsOf(tokens, 0));
  });

  it('offsets point into the text as it came, composed or not', async () => {
    const tokenizer = await Tokenizer.open(file);
    const text = '서울은 수도'.normalize('NFD');
    const tokens = await tokenizer.encode([text], { offsets: true, specials: false });
    const words = idsOf(tokens, 0).map((_, t) => text.slice(tokens.starts?.[t], tokens.ends?.[t]));
    expect(words.join('').normalize('NFC')).toBe('서울은수도');
  });

  it('still strips accents of Latin letters, as configured', async () => {
    const tokenizer = await Tokenizer.open(file);
    const tokens = await tokenizer.encode(['café', 'cafe'], { specials: false });
    expect(idsOf(tokens, 0)).toEqual(idsOf(tokens, 1));
  });

  it('is composed before a table of SentencePiece, which joins no jamo', () => {
    const json = (normalizer: object, vocab: [string, number][]) => ({
      normalizer: { type: 'Sequence', normalizers: [normalizer] } as never,
      model: { type: 'Unigram', vocab },
    });
    const table = { type: 'Precompiled', precompiled_charsmap: '' };
    expect(hangulRule(json(table, [['▁서울', -1]]))).toBe('composed before');
    expect(hangulRule(json(table, [['▁seoul', -1]]))).toBe('as configured');
    expect(hangulRule(json({ type: 'NFKC' }, [['▁서울', -1]]))).toBe('as configured');
  });

  it('in NFD keeps its places where the tokenizer composes by itself', async () => {
    const tokenizer = await Tokenizer.open(at('../../models/korean/tokenizer.json'));
    const texts = ['서울은 수도', 'éclair café'];
    const options = { offsets: true, specials: false };
    const [whole, apart] = await Promise.all(
      (['NFC', 'NFD'] as const).map(form =>
        tokenizer.encode(
          texts.map(t => t.normalize(form)),
          options,
        ),
      ),
    );
    const pieces = (tokens: TokenRows, form: 'NFC' | 'NFD') =>
      texts.map((text, row) =>
        Array.from(idsOf(tokens, row), (_, i) => {
          const t = tokens.offsets[row] + i;
          return text.normalize(form).slice(tokens.starts?.[t], tokens.ends?.[t]).normalize('NFC');
        }),
      );
    expect(pieces(apart, 'NFD')).toEqual(pieces(whole, 'NFC'));
    expect(pieces(apart, 'NFD')[0].join('')).toBe('서울은 수도');
    expect([...apart.ids]).toEqual([
      ...(
        await tokenizer.encode(
          texts.map(t => t.normalize('NFD')),
          { specials: false },
        )
      ).ids,
    ]);
  });

  it('leaves a vocabulary of jamo as it is configured', async () => {
    expect((await Tokenizer.open(files.wordpiece)).hangul).toBe('as configured');
  });
});

describe('errors', () => {
  it('say which file is no tokenizer', async () => {
    await expect(Tokenizer.open(at('fixtures/none.json'))).rejects.toThrow(/none\.json: cannot be read/);
    await expect(Tokenizer.fromJson('{}', 'x.json')).rejects.toThrow(/x\.json: not a tokenizer\.json/);
    await expect(Tokenizer.fromJson('{"model":{"type":"Odd","vocab":{}}}', 'x.json')).rejects.toThrow(
      /x\.json: the tokenizers package refuses it/,
    );
  });
});
