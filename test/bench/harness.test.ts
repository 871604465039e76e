import { describe, expect, it, vi } from 'vitest';
import { type BenchReport, figure, holds, reportJson, reportText } from '../../bench/lib/report.ts';
import { interleave, median, ratio } from '../../bench/lib/timing.ts';
import { main } from '../../bench/main.ts';

const report: BenchReport = {
  tables: [
    {
      title: 'two sides',
      columns: ['', 'ms', 'ratio'],
      rows: [
        ['ours', 1234.5, 1],
        ['theirs', 61.72, 0.05],
      ],
    },
  ],
  bars: [
    { name: 'fast', value: 1.05, bound: 'at most', wanted: 1.1 },
    { name: 'good', value: 0.5, bound: 'at least', wanted: 0.768 },
  ],
  notes: ['measured so'],
  missing: ['bm25s: sh bench/install-peers.sh index'],
};

/** Calls the command in this process. */
async function command(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const out = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const err = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const code = await main(args);
    const text = (calls: readonly unknown[][]): string => calls.map(c => String(c[0])).join('\n');
    return { code, stdout: text(out.mock.calls), stderr: text(err.mock.calls) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

describe('a bench report', () => {
  it('shows numbers with as many digits as they deserve', () => {
    expect([0.76834, 1.0479, 12.345, 123.4, 12345.6, 7].map(figure)).toEqual([
      '0.7683',
      '1.048',
      '12.3',
      '123',
      '12,346',
      '7',
    ]);
    expect(figure('as it is')).toBe('as it is');
  });

  it('ends with one line a bar, and says which falls short', () => {
    const lines = reportText({ name: 'n', summary: 's' }, report, 'a machine').split('\n');
    expect(lines.slice(-2)).toEqual([
      'fast   1.050    at most 1.100        holds',
      'good  0.5000  at least 0.7680  falls short',
    ]);
    expect(lines).toContain('- missing: bm25s: sh bench/install-peers.sh index');
    expect(lines).toContain('  theirs   61.7  0.0500');
  });

  it('says the same as JSON', () => {
    expect(report.bars.map(holds)).toEqual([true, false]);
    expect(reportJson({ name: 'n', summary: 's' }, report, 'a machine')).toMatchObject({
      bench: 'n',
      machine: 'a machine',
      ok: false,
      bars: [
        { name: 'fast', value: 1.05, wanted: 1.1, holds: true },
        { name: 'good', value: 0.5, wanted: 0.768, holds: false },
      ],
    });
  });

  it('a bar without a value does not hold', () => {
    expect(holds({ name: 'b', value: Number.NaN, bound: 'at least', wanted: 0 })).toBe(false);
  });
});

describe('timing', () => {
  it('warms every side up, then takes turns, the order reversed every other time', async () => {
    const ran: string[] = [];
    const side = (name: string, ms: number) => ({
      name,
      run: (): number => {
        ran.push(name);
        return ms;
      },
    });
    const timed = await interleave([side('a', 10), side('b', 20)], { repeats: 3 });
    expect(ran.join('')).toBe('ababbaab');
    expect(timed.map(t => t.times)).toEqual([
      [10, 10, 10],
      [20, 20, 20],
    ]);
    expect(ratio(timed[1], timed[0])).toBe(2);
  });

  it('takes the median of odd and even numbers of repeats', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('compares repeat by repeat, so that one slow moment does not count', () => {
    const of = (times: number[]) => ({ name: '', times, median: median(times), cpu: times });
    // the machine was three times slower in the second repeat
    expect(ratio(of([11, 33, 11]), of([10, 30, 10]))).toBeCloseTo(1.1, 12);
  });
});

describe('the command', () => {
  it('lists the benches where none is named', async () => {
    const { code, stdout } = await command([]);
    expect(code).toBe(0);
    for (const name of ['engine', 'index', 'memory', 'retrieval']) expect(stdout).toContain(`  ${name} `);
    expect(JSON.parse((await command(['--json'])).stdout)).toContainEqual({
      name: 'memory',
      summary: expect.stringContaining('Peak memory'),
    });
  });

  it('refuses a bench that is not there, and an option it does not have', async () => {
    const unknown = await command(['engin']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no bench is named "engin"');
    expect((await command(['engine', '--fast'])).code).toBe(2);
  });
});
