import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerF1,
  dprTokens,
  exactMatch,
  hasAnswer,
  MatchText,
  normaliseKlue,
  normaliseKorquad,
  normaliseSquad,
  rougeW,
  TextCache,
} from '../../src/metrics/index.ts';

describe('normalisation', () => {
  it('SQuAD: lower case, punctuation deleted, articles out, white space collapsed', () => {
    expect(normaliseSquad('  The U.S. "Army",  an\tARMY of a kind ')).toBe('us army army of kind');
    expect(normaliseSquad('a-b the')).toBe('ab');
    // Articles go after punctuation: "a." is an article, the "the" of "thé" is none.
    expect(normaliseSquad('Thé a. théâtre')).toBe('thé théâtre');
    expect(normaliseSquad('x\u0085y\u001cz')).toBe('x y z');
  });

  it('KorQuAD: marks become spaces, other ASCII punctuation is deleted', () => {
    expect(normaliseKorquad('《홍길동전》(1612년)')).toBe('홍길동전 1612년');
    expect(normaliseKorquad("'A'·B. C‘D’")).toBe('a ·b c d');
    expect(normaliseKorquad('서울'.normalize('NFD'))).toBe('서울');
  });

  it('KLUE keeps the brackets that are not ASCII', () => {
    expect(normaliseKlue('《홍길동전》 (1612)')).toBe('《홍길동전》 1612');
  });

  it('DPR tokens: words, and every other visible character alone', () => {
    expect(dprTokens("The U.S.'s 1,000 km²")).toEqual([
      'the',
      'u',
      '.',
      's',
      '.',
      "'",
      's',
      '1',
      ',',
      '000',
      'km²',
    ]);
  });
});

describe('answer match', () => {
  it('token match keeps to token borders, and is the same for both normal forms', () => {
    expect(hasAnswer('He was born in Paris, Texas.', ['paris , texas'], 'token')).toBe(true);
    expect(hasAnswer('Comparison', ['paris'], 'token')).toBe(false);
    expect(hasAnswer('Cafe\u0301 culture', ['Café'], 'token')).toBe(true);
    expect(hasAnswer('서울은 수도', ['서울'], 'token')).toBe(false);
    expect(hasAnswer('서울 은 수도'.normalize('NFD'), ['서울'], 'token')).toBe(true);
  });

  it('Korean is a substring after NFC and normalisation', () => {
    expect(hasAnswer('대한민국의 수도 서울은', ['서울'])).toBe(true);
    expect(hasAnswer('대한민국의 수도 서울은'.normalize('NFD'), ['서울'])).toBe(true);
    expect(hasAnswer('소설 《홍길동전》은', ["'홍길동전'"])).toBe(true);
    expect(hasAnswer('1919년에 일어난 일', ['1919'])).toBe(true);
  });

  it('auto stays on token borders in English, whatever word of another script is near', () => {
    expect(hasAnswer('the number 21919 is not a year, said the man from Seoul (서울)', ['1919'])).toBe(false);
    expect(hasAnswer('born in 1919, in Seoul', ['1919'])).toBe(true);
  });

  it('folded: case-folded on token borders, punctuation counts', () => {
    expect(hasAnswer('die STRASSE nach', ['Straße'], 'folded')).toBe(true);
    expect(hasAnswer('costs 1,000 won', ['1000'], 'folded')).toBe(false);
    expect(hasAnswer('alphabet, then Alpha', ['alpha'], 'folded')).toBe(true);
    expect(hasAnswer('alphabet', ['alpha'], 'folded')).toBe(false);
  });

  it('an answer of which nothing is left matches no text', () => {
    for (const match of ['auto', 'token', 'substring', 'folded'] as const) {
      expect(hasAnswer('any text', ['', '  '], match)).toBe(false);
    }
  });

  it('finds every run of tokens of a text in it', () => {
    const word = fc.stringMatching(/^[a-z0-9é]{1,6}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), fc.nat(), fc.nat(), (words, a, b) => {
        const from = a % words.length;
        const answer = words.slice(from, from + 1 + (b % (words.length - from))).join(' ');
        expect(hasAnswer(words.join(', '), [answer.replaceAll(' ', ' , ')], 'token')).toBe(true);
        expect(hasAnswer(words.join(' ').toUpperCase(), [answer], 'folded')).toBe(true);
      }),
    );
  });

  it('the cache keeps to its size and gives the same prepared text again', () => {
    const cache = new TextCache(10);
    const first = cache.get('aaaaa');
    expect(cache.get('aaaaa')).toBe(first);
    cache.get('bbbbb');
    cache.get('aaaaa');
    cache.get('ccccc');
    expect(cache.get('aaaaa')).toBe(first);
    expect(cache.get('bbbbb')).toBeInstanceOf(MatchText);
  });
});

describe('answer scores', () => {
  it('SQuAD exact match and F1, the best gold counts', () => {
    expect(exactMatch('The Norman dynasty', ['norman', 'Norman Dynasty!'])).toBe(1);
    // tokens norman dynasty rule / norman dynasty: 2·2/(3+2)
    expect(answerF1('the Norman dynasty rule', ['norman dynasty', 'kings'])).toBeCloseTo(0.8, 12);
    // a bag, not a set: "b" counts once in the gold
    expect(answerF1('b b c', ['b d'])).toBeCloseTo(0.4, 12);
  });

  it('no answer is right only where there is none', () => {
    expect(exactMatch('', [])).toBe(1);
    expect(answerF1('', [''])).toBe(1);
    expect(answerF1('something', [])).toBe(0);
    expect(exactMatch('', ['gold'])).toBe(0);
    // A gold of which nothing is left does not count beside another one.
    expect(exactMatch('', ['the', 'gold'])).toBe(0);
  });

  it('KorQuAD F1 counts characters', () => {
    expect(exactMatch('《홍길동전》', ['홍길동전'], 'korquad')).toBe(1);
    // 서울 / 서울은: 2·2/(2+3)
    expect(answerF1('서울은', ['서울'], 'korquad')).toBeCloseTo(0.8, 12);
    expect(answerF1('서 울', ['서울'], 'korquad')).toBe(1);
  });

  it('KLUE ROUGE-W is the longest common run', () => {
    // run "홍길" of 홍길동전 (4) and 홍길순 (3): 2·2/7
    expect(rougeW('홍길동전', ['홍길순'])).toBeCloseTo(4 / 7, 12);
    // a subsequence that is broken counts by its longest piece only: "ab" of abxcd / abcd → "ab" or "cd"
    expect(rougeW('abxcd', ['abcd'])).toBeCloseTo(4 / 9, 12);
    expect(rougeW('', [])).toBe(1);
    expect(rougeW('x', [])).toBe(0);
  });
});
