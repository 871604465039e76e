import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnalyzerSpec,
  bestPassage,
  createAnalyzer,
  type FilterSpec,
  LUCENE_STOP_WORDS,
  markMatches,
  matchSpans,
  type SnowballLanguage,
  snippet,
} from '../../src/retrieval/index.ts';

const english = createAnalyzer('english');
const korean = createAnalyzer('korean');
const standard = createAnalyzer('standard');
const specs: AnalyzerSpec[] = [
  'english',
  'korean',
  'standard',
  'whitespace',
  { name: 'english', stemmer: 'snowball', stopwords: 'none', possessives: false },
  { name: 'korean', grams: 'unigrams+bigrams' },
  { name: 'korean', grams: 'words', particles: 'strip', stopwords: 'questions' },
  'cjk',
  'ngrams',
  { name: 'ngrams', min: 1, max: 4 },
  'german',
  'french',
  'arabic',
  {
    name: 'custom',
    tokenizer: { name: 'whitespace', lowercase: false },
    filters: ['lowercase', 'fold', 'possessives', { stem: 'russian' }, { shingles: { max: 3 } }],
  },
];

/** Whether a cut at `at` parts a surrogate pair. */
const partsPair = (text: string, at: number): boolean =>
  /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(0, at - 1), at + 1));

describe('english', () => {
  it('lower-cases, strips possessives, drops the stop words and takes Porter stems', () => {
    expect(english.terms("The Relational databases' hopping cat's tails are caresses")).toEqual([
      'relat',
      'databas',
      'hop',
      'cat',
      'tail',
      'caress',
    ]);
    expect(english.terms("John’s JOHN'S John")).toEqual(['john', 'john', 'john']);
    expect(english.terms(LUCENE_STOP_WORDS.join(' '))).toEqual([]);
    expect(LUCENE_STOP_WORDS.length).toBe(33);
  });

  it('takes other stemmers and stop lists', () => {
    const snowball = createAnalyzer({ name: 'english', stemmer: 'snowball', stopwords: ['cat'] });
    expect(snowball.terms('the generously cat')).toEqual(['the', 'generous']);
    expect(createAnalyzer({ name: 'english', stemmer: 'none' }).terms('running dogs')).toEqual([
      'running',
      'dogs',
    ]);
  });

  it('segments words as UAX #29 does', () => {
    expect(standard.terms("can't U.S.A. $1,000.50 3D a_b -x- e-mail 1,a b.1 'quoted'")).toEqual([
      "can't",
      'u.s.a',
      '1,000.50',
      '3d',
      'a_b',
      'x',
      'e',
      'mail',
      '1',
      'a',
      'b',
      '1',
      'quoted',
    ]);
    expect(standard.terms('日本語です ok')).toEqual(['日', '本', '語', 'で', 'す', 'ok']);
  });
});

describe('korean', () => {
  it('gives bigrams of Hangul runs, words of other scripts, and splits where the script changes', () => {
    expect(korean.terms('서울은 책 iPhone15를 2024년에 大韓民國')).toEqual([
      '서울',
      '울은',
      '책',
      'iphone',
      '15',
      '를',
      '2024',
      '년에',
      '大韓民國',
    ]);
    expect(createAnalyzer({ name: 'korean', grams: 'unigrams+bigrams' }).terms('서울은')).toEqual([
      '서',
      '서울',
      '울',
      '울은',
      '은',
    ]);
  });

  it('sees NFD as NFC, with offsets into the text as it came', () => {
    const nfd = '값: 서울은 café'.normalize('NFD');
    expect(korean.terms(nfd)).toEqual(korean.terms('값: 서울은 café'));
    for (const { term, start, end } of korean.spans(nfd)) {
      expect(nfd.slice(start, end).normalize('NFC').toLowerCase()).toBe(term);
    }
  });

  it('matches String.prototype.normalize on every modern syllable', () => {
    for (let c = 0xac00; c <= 0xd7a3; c += 7) {
      const pair = String.fromCharCode(c, 0xac00 + ((c * 31) % 11172));
      expect(korean.terms(pair.normalize('NFD'))).toEqual([pair]);
    }
  });
});

describe('korean particles and question words', () => {
  it('cuts the longest particle off where two syllables are left, and leaves questions words out', () => {
    const words = createAnalyzer({ name: 'korean', grams: 'words', particles: 'strip' });
    expect(words.terms('서울에서는 대한민국의 수도가 사과를 물은 이순신이라는 학교에서')).toEqual([
      '서울',
      '대한민국',
      '수도',
      '사과',
      '물은',
      '이순신',
      '학교',
    ]);
    const grams = createAnalyzer({ name: 'korean', particles: 'strip', stopwords: 'questions' });
    expect(grams.terms('수도는 어디에서 대한민국은?')).toEqual(['수도', '대한', '한민', '민국']);
    expect(createAnalyzer({ name: 'korean', stopwords: ['그리고'] }).terms('그리고 책')).toEqual(['책']);
    const [span] = words.spans('서울은');
    expect([span.start, span.end]).toEqual([0, 2]);
  });
});

describe('cjk', () => {
  it('gives bigrams of Han, kana and Hangul runs, words of other scripts, full width as half', () => {
    const cjk = createAnalyzer('cjk');
    expect(cjk.terms('日本語データ2 서울은 ＡＢＣ 猫 ok')).toEqual([
      '日本',
      '本語',
      '語デ',
      'デー',
      'ータ',
      '2',
      '서울',
      '울은',
      'abc',
      '猫',
      'ok',
    ]);
    expect(cjk.terms('ﾃﾞｰﾀ').join(' ')).toContain('ータ');
  });
});

describe('Snowball languages', () => {
  // Stems as PyStemmer 3.1 gives them.
  it.each<[SnowballLanguage, string, string]>([
    ['german', 'Die kategorischen Häuser', 'die kategor haus'],
    ['french', "L’avion continuellement majestueuses qu'ils", 'avion continuel majestu il'],
    ['spanish', 'chicharrones torneados', 'chicharron torn'],
    ['russian', 'важнейшими падение', 'важн паден'],
    ['turkish', 'evlerimizden kitaplarını', 'ev kitap'],
    ['swedish', 'klostergården', 'klostergård'],
    ['hungarian', 'babakocsijáért', 'babakocs'],
  ])('%s', (name, text, terms) => {
    expect(createAnalyzer(name).terms(text).join(' ')).toBe(terms);
  });

  it('drop words of a list', () => {
    expect(createAnalyzer({ name: 'german', stopwords: ['die', 'Und'] }).terms('Die Katze und')).toEqual([
      'katz',
    ]);
  });
});

describe('character n-grams and chains', () => {
  const chain = (filters: readonly FilterSpec[], tokenizer: 'standard' | 'english' = 'standard') =>
    createAnalyzer({ name: 'custom', tokenizer, filters });

  it('cut words into n-grams of characters', () => {
    expect(createAnalyzer('ngrams').terms('Seoul is 😀한국')).toEqual(['seo', 'eou', 'oul', 'is', '한국']);
    expect(createAnalyzer({ name: 'ngrams', min: 2, max: 3 }).terms('abcd')).toEqual([
      'ab',
      'abc',
      'bc',
      'bcd',
      'cd',
    ]);
    expect(chain([{ edges: { min: 1, max: 3 } }]).terms('abcd x')).toEqual(['a', 'ab', 'abc', 'x']);
  });

  it('filter terms one after the other', () => {
    expect(chain(['fold', { stop: ['the'] }, { stem: 'porter' }]).terms('The Cafés résumé')).toEqual([
      'cafe',
      'resum',
    ]);
    expect(chain([{ length: { min: 2, max: 3 } }]).terms('a bb ccc dddd 서울')).toEqual([
      'bb',
      'ccc',
      '서울',
    ]);
    expect(chain([{ replace: { nyc: 'new york', um: '' } }]).terms('um NYC hotel')).toEqual([
      'new',
      'york',
      'hotel',
    ]);
    expect(chain([{ elisions: 'italian' }]).terms("l'acqua dell'orso")).toEqual(['acqua', 'orso']);
  });

  it('join runs of terms into shingles, behind whatever filters, with their places', () => {
    const pairs = chain([{ stop: 'lucene' }, { shingles: {} }]);
    expect(pairs.terms('the big red bus')).toEqual(['big', 'big red', 'red', 'red bus', 'bus']);
    expect(pairs.spans('the big red bus')[1]).toEqual({ term: 'big red', start: 4, end: 11 });
    const longer = chain([{ shingles: { min: 3, max: 3, words: false } }], 'english');
    expect(longer.terms('running dogs chased cats')).toEqual(['run dog chase', 'dog chase cat']);
    expect(longer.terms('two words')).toEqual([]);
  });

  it('say what is wrong with them', () => {
    const wrong = (filters: unknown, message: string) =>
      expect(() => chain(filters as FilterSpec[])).toThrow(message);
    wrong(['stemm'], 'filters[0]: "stemm" is no filter; there are lowercase');
    wrong([{ stem: 'klingon' }], 'filters[0]: stem: is "klingon", wanted porter, snowball, arabic');
    wrong([{ shingles: {} }, 'fold'], 'filters[0]: shingles: have to be the last filter');
    wrong(['fold', { ngrams: { min: 4, max: 2 } }], 'filters[1]: ngrams: min is 4, more than max, 2');
    wrong([{ ngrams: { sizes: 2 } }], 'has no "sizes"');
    wrong([{ stop: 'dutch' }], "stop: wanted 'lucene' or a list of words");
    expect(() => createAnalyzer({ name: 'custom' } as unknown as AnalyzerSpec)).toThrow('tokenizer: wanted');
    expect(() => createAnalyzer({ name: 'ngrams', min: 0 })).toThrow(
      'min is 0, wanted a whole number from 1 to 255',
    );
    expect(() => createAnalyzer({ name: 'toString' } as unknown as AnalyzerSpec)).toThrow(
      'no analyzer is named',
    );
    expect(() => createAnalyzer({ name: 'english', toString: 1 } as unknown as AnalyzerSpec)).toThrow(
      'has no option',
    );
  });

  it('give other fingerprints where they give other terms', () => {
    const specs: AnalyzerSpec[] = [
      'standard',
      'cjk',
      'korean',
      { name: 'korean', particles: 'strip' },
      'ngrams',
      'german',
      'dutch',
    ];
    const chains = [
      chain([]),
      chain(['fold']),
      chain([{ stem: 'german' }]),
      chain([{ stem: 'dutch' }]),
      chain(['fold'], 'english'),
    ];
    const prints = [...specs.map(s => createAnalyzer(s)), ...chains].map(a => a.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    expect(createAnalyzer({ name: 'korean', grams: 'bigrams', stopwords: 'none' }).fingerprint).toBe(
      createAnalyzer('korean').fingerprint,
    );
  });
});

describe('every analyzer', () => {
  const odd = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.constantFrom(
          ' ',
          "'",
          '’',
          '.',
          ',',
          '_',
          '\u200d',
          '\u0301',
          '한',
          '글',
          '\u1112\u1161\u11ab',
          '漢',
          '😀',
          '\ud800',
          'İ',
          'ß',
          "'s",
          '1',
          'x',
          '\u00a0',
          '\ufeff',
          '\0',
        ),
      ),
      { maxLength: 20 },
    )
    .map(parts => parts.join(''));

  it.each(specs)(
    '%o: spans lie in order inside the text, never part a character, and give the terms',
    spec => {
      const analyzer = createAnalyzer(spec);
      fc.assert(
        fc.property(odd, text => {
          const spans = analyzer.spans(text);
          expect(spans.map(s => s.term)).toEqual(analyzer.terms(text));
          let start = 0;
          for (const span of spans) {
            expect(span.start).toBeGreaterThanOrEqual(start);
            expect(span.end).toBeGreaterThan(span.start);
            expect(span.end).toBeLessThanOrEqual(text.length);
            expect(span.term).not.toBe('');
            expect(partsPair(text, span.start) || partsPair(text, span.end)).toBe(false);
            start = span.start;
          }
        }),
        { numRuns: 100 },
      );
    },
  );

  it.each(specs)('%o: the byte stream gives the same terms, whatever was analysed before', spec => {
    const analyzer = createAnalyzer(spec);
    const stream = analyzer.stream();
    fc.assert(
      fc.property(odd, odd, (before, text) => {
        const bytes = Buffer.from(before + text, 'utf8');
        const from = Buffer.byteLength(before, 'utf8');
        const n = stream.analyze(bytes, from, bytes.length);
        const terms = Array.from(stream.ids.subarray(0, n), id => stream.term(id));
        expect(terms).toEqual(analyzer.terms(bytes.subarray(from).toString('utf8')));
      }),
      { numRuns: 100 },
    );
  });

  it.each(specs.filter(s => !/ngrams|shingles/.test(JSON.stringify(s))))(
    '%o: cuts a token of 100,000 characters into pieces that cover it',
    spec => {
      const analyzer = createAnalyzer(spec);
      for (const unit of ['x', '가', 'é', '😀', '漢']) {
        const spans = analyzer.spans(unit.repeat(100_000 / unit.length));
        expect(Math.max(0, ...new Set(spans.map(s => Buffer.byteLength(s.term))))).toBeLessThanOrEqual(255);
        if (unit === 'x') expect(spans.reduce((sum, s) => sum + s.end - s.start, 0)).toBe(100_000);
      }
    },
  );

  it('names what a spec gets wrong', () => {
    expect(() => createAnalyzer('klingon' as 'english')).toThrow(
      /"klingon".*english, korean, standard, whitespace/,
    );
    expect(() => createAnalyzer({ name: 'english', stemer: 'porter' } as never)).toThrow(
      /no option "stemer".*stemmer/,
    );
    expect(() => createAnalyzer({ name: 'english', stemmer: 'lovins' } as never)).toThrow(
      /stemmer is "lovins", wanted/,
    );
  });

  it('has a fingerprint of its resolved spec', () => {
    expect(english.spec).toEqual({
      name: 'english',
      possessives: true,
      stemmer: 'porter',
      stopwords: 'lucene',
    });
    expect(createAnalyzer({ name: 'english', stemmer: 'porter' }).fingerprint).toBe(english.fingerprint);
    expect(createAnalyzer(JSON.parse(JSON.stringify(english.spec))).fingerprint).toBe(english.fingerprint);
    const prints = specs.map(spec => createAnalyzer(spec).fingerprint);
    expect(new Set(prints).size).toBe(specs.length);
    for (const print of prints) expect(print).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('highlighting', () => {
  it('marks the words of a query, stems and scripts as the analyzer sees them', () => {
    expect(markMatches('😀 Running dogs run.', 'the run', english)).toBe(
      '😀 <em>Running</em> dogs <em>run</em>.',
    );
    expect(markMatches('서울은 크다', '서울은?', korean, { open: '[', close: ']' })).toBe('[서울은] 크다');
    expect(markMatches('a <b> run', 'run', english, { escape: s => s.replace(/</g, '&lt;') })).toBe(
      'a &lt;b> <em>run</em>',
    );
    expect(matchSpans('a b', '', english)).toEqual([]);
    expect(matchSpans('run it', ['run'], english)).toEqual([{ start: 0, end: 3 }]);
  });

  it('finds the stretch with most of the query', () => {
    const filler = 'lorem ipsum dolor sit amet '.repeat(10);
    const text = `alpha ${filler}alpha beta gamma ${filler}beta`;
    const passage = bestPassage(text, 'gamma beta alpha', english, 40);
    expect(passage.text).toContain('alpha beta gamma');
    expect(passage.text.length).toBeLessThanOrEqual(40);
    expect(passage.matches.map(m => text.slice(m.start, m.end))).toEqual(['alpha', 'beta', 'gamma']);
    expect(snippet(text, 'gamma', english, 30)).toMatch(/^….*<em>gamma<\/em>.*…$/);
    expect(snippet('short text', 'none', english, 30)).toBe('short text');
    expect(bestPassage('', 'x', english, 10)).toEqual({ start: 0, end: 0, text: '', matches: [] });
  });

  it('passages stay inside their width and the text and part no character', () => {
    const words = fc.array(fc.constantFrom('run', '😀', '서울', 'x'.repeat(30), '\n', 'a'), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 60 }), (parts, width) => {
        const text = parts.join(' ');
        const passage = bestPassage(text, 'run 서울', english, width);
        expect(passage.text).toBe(text.slice(passage.start, passage.end));
        expect(partsPair(text, passage.start) || partsPair(text, passage.end)).toBe(false);
        const longest = Math.max(width, 3);
        expect(passage.text.length).toBeLessThanOrEqual(longest);
        for (const match of passage.matches) expect(match.end).toBeGreaterThan(match.start);
      }),
    );
  });
});
