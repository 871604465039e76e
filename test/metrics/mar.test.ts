import { describe, expect, it } from 'vitest';
import { meanAverageRecall } from '../../src/metrics/index.ts';

const words = (count: number, answer?: string): string =>
  Array.from({ length: count }, (_, i) => (i === 0 && answer !== undefined ? answer : 'w')).join(' ');

describe('mAR', () => {
  const questions = [
    { texts: [words(50), words(60, 'alpha'), words(100), words(200, 'beta')], answers: ['alpha', 'beta'] },
    { texts: [words(150, 'gamma'), words(30)], answers: ['gamma'] },
  ];

  it('strict and legacy of the worked example', () => {
    const report = meanAverageRecall(questions);
    expect(report.curve.legacy).toEqual([0, 0.75, 0.75, 0.75, 1]);
    expect(report.legacy).toBeCloseTo(0.65, 12);
    expect(report.curve.strict).toEqual([0, 0.75, 0.75, 0.75, ...Array(26).fill(1)]);
    expect(report.strict).toBeCloseTo(0.941667, 6);
    expect(report.curve.words).toEqual(Array.from({ length: 30 }, (_, i) => 100 * (i + 1)));
    // One answer is enough: both questions from the second bin on.
    expect(report.anyHit).toBeCloseTo(29 / 30, 12);
  });

  it('a text of exactly 100 words is in the first bin, and was not in the legacy count', () => {
    const report = meanAverageRecall([{ texts: [words(100, 'alpha')], answers: ['alpha'] }]);
    expect(report.strict).toBe(1);
    expect(report.curve.legacy).toEqual([0, 1]);
  });

  it('strict folds case and keeps to token borders, legacy looks for the characters', () => {
    const report = meanAverageRecall([
      { texts: ['alphabet'], answers: ['alpha'] },
      { texts: ['ALPHA'], answers: ['alpha'] },
    ]);
    expect(report.strict).toBe(0.5);
    expect(report.legacy).toBe(0.5);
    expect(meanAverageRecall([{ texts: ['서울은'.normalize('NFD')], answers: ['서울'] }]).strict).toBe(1);
  });

  it('nothing past 3,000 words counts', () => {
    const texts = [words(2900), words(100, 'alpha'), words(1, 'beta')];
    const report = meanAverageRecall([{ texts, answers: ['alpha', 'beta'] }]);
    expect(report.strict).toBeCloseTo(0.5 / 30, 12);
    expect(report.legacy).toBe(0);
  });

  it('questions without answers are not counted, those without results count 0', () => {
    const report = meanAverageRecall([
      { texts: ['alpha'], answers: [] },
      { texts: ['alpha'], answers: [''] },
      { texts: [], answers: ['alpha'] },
      { texts: ['alpha'], answers: ['alpha'] },
    ]);
    expect(report.questions).toBe(2);
    expect(report.strict).toBe(0.5);
    expect(meanAverageRecall([])).toMatchObject({ questions: 0, strict: 0, legacy: 0 });
  });
});
