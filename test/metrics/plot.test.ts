import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  accuracyCurve,
  barSvg,
  heatMapSvg,
  type LineSeries,
  lineSvg,
  tableCutoffs,
} from '../../src/metrics/index.ts';
import { linearScale, logScale } from '../../src/metrics/plot-scale.ts';

const line = (name: string, size = 20): LineSeries => ({
  name,
  points: Array.from({ length: size }, (_, i) => [i + 1, 0.5 + i / 100] as const),
});
const plot = (series: LineSeries[], extra = {}): Parameters<typeof lineSvg>[0] => ({
  title: 'Top-k <accuracy> & more',
  x: { label: 'k', log: true },
  y: { label: 'Share of questions' },
  series,
  ...extra,
});

/** Texts of an SVG document with the x at which they start or end, or around which they are centred. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(match => match[1]);
}

describe('line plots', () => {
  it('hold the title, both axis titles and every name, on a white card', async () => {
    for (const count of [1, 3, 8, 18]) {
      const names = Array.from({ length: count }, (_, i) => `실행 ${i + 1}`);
      const svg = await lineSvg(plot(names.map(name => line(name))));
      expect(texts(svg)).toEqual(
        expect.arrayContaining(['k', 'Share of questions', 'Top-k &lt;accuracy&gt; &amp; more', ...names]),
      );
      expect(svg).toMatch(/<rect[^>]*fill="(#ffffff|#fff|white)"/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('are drawn for one point, none and no series', async () => {
    const one = await lineSvg(plot([{ name: 'one', points: [[5, 0.93]] }]));
    expect(texts(one)).toEqual(expect.arrayContaining(['one', '1.00']));
    expect(texts(one)).not.toContain('1.05');
    const empty: LineSeries[][] = [
      [],
      [{ name: 'bm25', points: [] }],
      [{ name: 'bm25', points: [[1, Number.NaN]] }],
    ];
    for (const series of empty) {
      const svg = await lineSvg(plot(series));
      expect(texts(svg)).toContain('no data');
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('give the same bytes for the same input, whatever was drawn before', async () => {
    const first = await lineSvg(plot([line('a')]));
    await lineSvg(plot([line('b')]));
    expect(await lineSvg(plot([line('a')]))).toBe(first);
    expect(first).not.toMatch(/class=|<style/);
  });

  it('put long names in a legend below, and grow for it', async () => {
    const height = (svg: string): number => Number(/height="(\d+)"/.exec(svg)?.[1]);
    const long = 'a name that is much too long to stand at the end of a line in a plot '.repeat(3).trim();
    const tall = await lineSvg(plot([line(long), line('b')]));
    expect(height(tall)).toBeGreaterThan(height(await lineSvg(plot([line('a'), line('b')]))));
    expect(texts(tall).some(text => text.startsWith('a name that') && text.endsWith('…'))).toBe(true);
  });

  it('refuse what cannot be drawn', async () => {
    await expect(lineSvg(plot([{ name: 'zero', points: [[0, 1]] }]))).rejects.toThrow(
      /series "zero" has x 0/,
    );
    await expect(lineSvg(plot([], { width: 10 }))).rejects.toThrow(/width is 10/);
  });

  it('let the process end', async () => {
    const module = new URL('../../src/metrics/index.ts', import.meta.url).href;
    const code = `import('${module}').then(m => m.lineSvg({ title: 't', x: { label: 'x' }, y: { label: 'y' }, series: [{ name: 's', points: [[1, 1], [2, 2]] }] })).then(svg => console.log(svg.slice(0, 4)))`;
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', code], {
      cwd,
      timeout: 20_000,
    });
    expect(stdout.trim()).toBe('<svg');
  });
});

describe('bars and heat maps', () => {
  it('write each value in figures', async () => {
    const svg = await barSvg({
      title: 'nDCG@10',
      value: { label: 'nDCG@10' },
      categories: ['BM25', '하이브리드'],
      series: [
        { name: 'SciFact', values: [0.682, 0.7], low: [0.65, 0.66], high: [0.71, 0.74] },
        { name: 'FiQA', values: [-0.236, Number.NaN] },
      ],
    });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['BM25', '하이브리드', 'SciFact', 'FiQA', '0.682', '0.700', '-0.236']),
    );
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    await expect(
      barSvg({ title: '', value: { label: '' }, categories: ['a'], series: [{ name: 's', values: [] }] }),
    ).rejects.toThrow(/has 0 entries in values, wanted 1/);
    expect(texts(await barSvg({ title: 't', value: { label: 'v' }, categories: [], series: [] }))).toContain(
      'no data',
    );
  });

  it('heat maps label cells, rows, columns and the ends of the scale', async () => {
    const svg = await heatMapSvg({
      title: 'MRR',
      x: { label: 'b', names: ['0.4', '0.75'] },
      y: { label: 'k1', names: ['0.9', '1.2'] },
      value: { label: 'MRR@10' },
      values: [
        [0.5, 0.61],
        [0.72, Number.NaN],
      ],
    });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['b', 'k1', '0.4', '0.75', '0.9', '1.2', '0.50', '0.61', '0.72']),
    );
    expect(texts(svg).filter(text => text === '0.72')).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    await expect(
      heatMapSvg({
        title: '',
        x: { label: '', names: ['a'] },
        y: { label: '', names: ['r'] },
        value: { label: '' },
        values: [[1, 2]],
      }),
    ).rejects.toThrow(/row 0 \("r"\) has 2 values, wanted 1/);
  });
});

describe('scales and curves', () => {
  it('ticks are round', () => {
    expect(linearScale(0.63, 0.98, 5).ticks).toEqual([0.6, 0.7, 0.8, 0.9, 1]);
    expect(linearScale(0, 1, 5, { min: 0, max: 1 }).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearScale(0, 40_000, 4).ticks.map(linearScale(0, 40_000, 4).format)).toEqual([
      '0',
      '10,000',
      '20,000',
      '30,000',
      '40,000',
    ]);
    const log = logScale(1, 100);
    expect(log.ticks.map(log.format)).toEqual(['1', '2', '5', '10', '20', '50', '100']);
  });

  it('top-k accuracy from first ranks', () => {
    expect(accuracyCurve([1, 3, 0, Number.NaN, 9], 4)).toEqual([
      [1, 0.25],
      [2, 0.25],
      [3, 0.5],
      [4, 0.5],
    ]);
    expect(accuracyCurve([], 3)).toEqual([]);
    expect(tableCutoffs(100)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100]);
  });
});
