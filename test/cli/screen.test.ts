import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveView } from '../../src/cli/live.ts';
import { markdownLines } from '../../src/cli/markdown.ts';
import { follow } from '../../src/cli/progress.ts';
import { Rates, shares } from '../../src/cli/rates.ts';
import { summaryLines } from '../../src/cli/summary.ts';
import { styleOf, takesColor, wrapText } from '../../src/cli/terminal.ts';
import type { RunEvent, RunResult, StepMetrics } from '../../src/events/index.ts';
import { displayWidth } from '../../src/metrics/table.ts';

const plain = styleOf(false);

const metrics = (id: string, more: Partial<StepMetrics> = {}): StepMetrics => ({
  id,
  op: 'read.jsonl',
  state: 'running',
  parallel: 1,
  rowsIn: 0,
  rowsOut: 0,
  batchesIn: 0,
  batchesOut: 0,
  deadLetters: 0,
  skipped: 0,
  busyMs: 0,
  waitInMs: 0,
  waitOutMs: 0,
  bytesHeld: 0,
  ...more,
});

const progress = (elapsedMs: number, ...steps: StepMetrics[]): Extract<RunEvent, { type: 'progress' }> => ({
  type: 'progress',
  elapsedMs,
  rssBytes: 100 * 2 ** 20,
  steps,
});

const source = (rowsOut: number, done: number): StepMetrics =>
  metrics('docs', { rowsOut, progress: { done, total: 1000, unit: 'bytes' } });

describe('rates', () => {
  it('are taken over the last seconds, and give the time left', () => {
    const rates = new Rates();
    rates.add(0, [source(0, 0)]);
    rates.add(1000, [source(100, 50)]);
    rates.add(2000, [source(400, 200)]);
    // 400 rows and 200 bytes in two seconds: 800 bytes more take eight
    expect(rates.rowsPerSecond('docs')).toBe(200);
    expect(rates.leftMs(source(400, 200))).toBe(8000);
    // after a pause of ten seconds only that pause is in the window
    rates.add(12_000, [source(400, 200)]);
    rates.add(13_000, [source(400, 200)]);
    expect(rates.rowsPerSecond('docs')).toBeLessThan(40);
  });

  it('know nothing at first', () => {
    const rates = new Rates();
    expect(rates.rowsPerSecond('docs')).toBe(0);
    rates.add(0, [source(0, 0)]);
    expect(rates.leftMs(source(0, 0))).toBeUndefined();
    expect(shares(metrics('a'))).toEqual([0, 0, 0]);
    expect(shares(metrics('a', { busyMs: 30, waitInMs: 60, waitOutMs: 10 }))).toEqual([0.3, 0.6, 0.1]);
  });
});

describe('the live table', () => {
  const view = new LiveView('index');
  view.update(progress(0, source(0, 0), metrics('split')));
  view.update(
    progress(
      2000,
      source(400, 200),
      metrics('split', { rowsIn: 380, rowsOut: 900, busyMs: 1500, waitInMs: 500, bytesHeld: 2 ** 20 }),
    ),
  );

  it('has a line a step: rows, rate, shares, bytes held, and the time left', () => {
    const [head, titles, docs, split] = view.lines(100, 24, plain);
    expect(head).toBe('index  2.0 s  memory 100 MiB  about 8.0 s left');
    expect(titles).toMatch(/step +operator +rows +rows\/s +read +busy +wait in +out +held/);
    expect(docs).toMatch(/docs +read\.jsonl +400 +200\/s +20%/);
    expect(split).toMatch(/split +read\.jsonl +900 +450\/s +75% +25% +0% +1\.0 MiB/);
  });

  it('fits the terminal in both directions', () => {
    for (const width of [40, 60, 79]) {
      for (const line of view.lines(width, 24, styleOf(true)))
        expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }
    const many = new LiveView('many');
    many.update(
      progress(
        0,
        ...Array.from({ length: 40 }, (_, i) => metrics(`s${i}`, { state: i < 30 ? 'done' : 'running' })),
      ),
    );
    const lines = many.lines(100, 20, plain);
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.at(-1)).toContain('more steps');
    // those at work are the ones to see
    for (let i = 30; i < 40; i++) expect(lines.join('\n')).toMatch(new RegExp(`▸ +s${i} `));
  });

  it('is one line in a log', () => {
    expect(view.plainLine()).toBe(
      'index 2.0 s: docs 400 rows (200/s, 20%), split 900 rows (450/s), memory 100 MiB, about 8.0 s left',
    );
  });

  it('says nothing of the time left where the source is read, nor of a rate that is not known', () => {
    const read = new LiveView('index');
    read.update(progress(0, source(0, 0), metrics('split')));
    read.update(progress(2000, source(900, 1000), metrics('split', { rowsIn: 0, rowsOut: 0 })));
    read.update(progress(2001, source(900, 1000), metrics('late', { rowsOut: 7 })));
    expect(read.plainLine()).toBe('index 2.0 s: docs 900 rows (450/s, 100%), late 7 rows, memory 100 MiB');
  });
});

describe('following a run', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const followed = (tty: boolean) => {
    let text = '';
    const events = new Subject<RunEvent>();
    const write = (t: string): void => {
      text += t;
    };
    const out = { isTTY: tty, columns: 80, rows: 24, write };
    vi.stubEnv('TERM', 'xterm');
    const { stop } = follow('index', events, out, plain);
    return { events, stop, text: () => text };
  };

  it('redraws on a terminal about eight times a second and gives the cursor back', () => {
    const { events, stop, text } = followed(true);
    events.next(progress(0, source(0, 0)));
    vi.advanceTimersByTime(1000);
    expect(text().split('index  ').length - 1).toBe(8);
    expect(text()).toContain('\u001b[?25l');
    expect(text()).not.toContain('\u001b[?25h');
    stop();
    expect(text().endsWith('\u001b[?25h')).toBe(true);
    vi.advanceTimersByTime(5000);
    expect(text().endsWith('\u001b[?25h')).toBe(true);
  });

  it('writes a line every few seconds elsewhere, without escapes', () => {
    const { events, stop, text } = followed(false);
    events.next(progress(0, source(0, 0)));
    vi.advanceTimersByTime(11_000);
    stop();
    expect(text().trim().split('\n')).toHaveLength(3);
    expect(text()).not.toContain('\u001b');
  });

  it('prints warnings, and only counts what comes too often', () => {
    const { events, stop, text } = followed(false);
    for (let i = 0; i < 50; i++) {
      events.next({ type: 'dead-letter', step: 'docs', where: `a.jsonl:${i}`, message: 'no\nJSON' });
    }
    stop();
    const lines = text().trim().split('\n');
    expect(lines[0]).toBe('bad row  step "docs" a.jsonl:0: no JSON');
    expect(lines).toHaveLength(21);
    expect(lines[20]).toContain('only counted');
  });
});

describe('a flow that begins again', () => {
  it('says so, since bad rows are told anew', () => {
    let text = '';
    const events = new Subject<RunEvent>();
    const write = (t: string): void => {
      text += t;
    };
    const { stop } = follow('index', events, { isTTY: false, columns: 80, rows: 24, write }, plain, true);
    const bad = { type: 'dead-letter', step: 'docs', where: 'a.jsonl:1', message: 'no JSON' } as const;
    events.next({ type: 'flow', flow: 'docs', mode: 'changes', reasons: [] });
    events.next({ type: 'flow', flow: 'other', mode: 'full', reasons: [{ text: 'it has not run before' }] });
    events.next(bad);
    events.next({ type: 'flow', flow: 'docs', mode: 'replay', reasons: [{ text: 'two rows give one key' }] });
    for (let i = 0; i < 20; i++) events.next(bad);
    stop();
    const lines = text.trim().split('\n');
    expect(lines[1]).toBe('flow "docs" begins again, over all rows: two rows give one key');
    expect(lines).toHaveLength(22);
    expect(text).not.toContain('only counted');
  });
});

describe('the summary', () => {
  it('names the bottleneck and what went wrong', () => {
    const step = (id: string, busy: number, waitIn: number, waitOut: number, deadLetters = 0) => ({
      id,
      op: 'x.y',
      rowsIn: 10,
      rowsOut: 10,
      added: 10,
      changed: 0,
      deleted: 0,
      kept: 0,
      deadLetters,
      skipped: 0,
      seconds: 10,
      busySeconds: busy,
      waitInSeconds: waitIn,
      waitOutSeconds: waitOut,
    });
    const result: RunResult = {
      pipeline: 'index',
      status: 'ok',
      seconds: 10,
      steps: [step('docs', 1, 0, 9), step('encode', 9, 1, 0, 3)],
      peakBytes: 2 ** 30,
      bottleneck: 'encode',
      reports: {},
    };
    const text = summaryLines(result, plain).join('\n');
    expect(text).toMatch(/^index {2}done after 10\.0 s, peak memory 1\.0 GiB/);
    expect(text).toMatch(/docs +x\.y +10 +10 +1\.0 s +10% +0% +90%/);
    expect(text).toMatch(/encode +x\.y +10 +10 +3 +9\.0 s +90% +10% +0%/);
    expect(text).toContain('bottleneck: "encode" (x.y) worked 90% of the run');
    // a run of which the steps had a tenth, and the commit the most
    const slow = summaryLines({ ...result, seconds: 100, commitSeconds: 80 }, plain).join('\n');
    expect(slow).toMatch(/encode +x\.y +10 +10 +3 +9\.0 s +9% +1% +0%/);
    expect(slow).toMatch(/^commit \(record, publishing, ledger\): .*, 80% of the run$/m);
    expect(slow).toContain('bottleneck: the commit');
    expect(slow).not.toContain('"encode"');
    // nothing above half
    expect(summaryLines({ ...result, seconds: 20, commitSeconds: 5 }, plain).join('\n')).not.toContain(
      'bottleneck',
    );
  });
});

describe('text', () => {
  it('has colour where it is wanted only', () => {
    expect(takesColor({ isTTY: true }, {})).toBe(true);
    expect(takesColor({ isTTY: false }, {})).toBe(false);
    expect(takesColor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(takesColor({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(takesColor({ isTTY: false }, { FORCE_COLOR: '1' })).toBe(true);
  });

  it('is wrapped by what it takes on the screen', () => {
    expect(wrapText('서울은 수도 이다', 8)).toEqual(['서울은', '수도', '이다']);
    expect(wrapText('a b c d', 3)).toEqual(['a b', 'c d']);
  });

  it('of Markdown keeps its words and fits the width', () => {
    const lines = markdownLines(
      '## name\n\nSome `code` and **bold** words that go on.\n\n| a | |\n|---|---|\n| `x` | one \\| two |\n\n```yaml\n- op: x\n```',
      30,
      plain,
    );
    expect(lines).toEqual([
      'name',
      '',
      '  Some code and bold words',
      '  that go on.',
      '',
      '  a',
      '  x  one | two',
      '',
      '    - op: x',
    ]);
  });
});
