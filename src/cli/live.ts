/** The picture of a run: one line a step, as text; who draws it and when is the matter of progress.ts. */
import { formatBytes, formatTime } from '../define/units.ts';
import type { RunEvent, StepMetrics } from '../events/types.ts';
import { fitWidth } from '../metrics/table.ts';
import { Rates, shares } from './rates.ts';
import { count, left, percent, right, tableLines } from './table.ts';
import type { Style } from './terminal.ts';

type ProgressEvent = Extract<RunEvent, { type: 'progress' }>;

const rowsShown = (m: StepMetrics): number => Math.max(m.rowsIn, m.rowsOut);

const committing = (event: ProgressEvent): string[] =>
  event.committing ? [`committing, ${formatTime(event.commitMs ?? 0)} so far`] : [];

/** Steps that a line of a log names; of more, it names those at work. */
const MOST_IN_A_LINE = 8;

/** Collects progress events and renders them. */
export class LiveView {
  readonly pipeline: string;
  readonly #rates = new Rates();
  #last: ProgressEvent | undefined;

  constructor(pipeline: string) {
    this.pipeline = pipeline;
  }

  update(event: ProgressEvent): void {
    this.#rates.add(event.elapsedMs, event.steps);
    this.#last = event;
  }

  /** Time left over all sources that know their total; undefined where one of them does not. */
  leftMs(): number | undefined {
    const sources = (this.#last?.steps ?? []).filter(m => m.progress && m.state !== 'done');
    const left = sources.map(m => this.#rates.leftMs(m));
    return left.length === 0 || left.some(x => x === undefined) ? undefined : Math.max(...(left as number[]));
  }

  #share(m: StepMetrics): string {
    return m.progress && m.progress.total > 0 ? percent(Math.min(1, m.progress.done / m.progress.total)) : '';
  }

  /** Lines for a terminal of `width` cells and `height` lines; steps that do not fit are counted in the last line. */
  lines(width: number, height: number, style: Style): string[] {
    const event = this.#last;
    if (!event) return [`${style.bold(fitWidth(this.pipeline, width - 12))}  starting`];
    const rest = this.leftMs();
    const head = [
      style.bold(fitWidth(this.pipeline, 40)),
      formatTime(event.elapsedMs),
      `memory ${formatBytes(event.rssBytes)}`,
      ...committing(event),
      ...(rest === undefined ? [] : [`about ${formatTime(rest)} left`]),
    ].join('  ');
    const rows = event.steps.map(m => {
      const [busy, waitIn, waitOut] = shares(m);
      const done = m.state === 'done';
      const idle = m.state === 'waiting' || m.state === 'opening';
      return [
        done ? style.green('✓') : idle ? ' ' : style.cyan('▸'),
        m.id,
        m.op,
        idle ? m.state : count(rowsShown(m)),
        idle || done ? '' : `${count(this.#rates.rowsPerSecond(m.id))}/s`,
        this.#share(m),
        idle ? '' : percent(busy),
        idle ? '' : percent(waitIn),
        idle ? '' : percent(waitOut),
        m.bytesHeld > 0 ? formatBytes(m.bytesHeld) : '',
        m.deadLetters + m.skipped > 0 ? style.yellow(count(m.deadLetters + m.skipped)) : '',
      ];
    });
    const table = tableLines(
      [
        left(''),
        left('step'),
        left('operator'),
        right('rows'),
        right('rows/s'),
        right('read'),
        right('busy'),
        right('wait in'),
        right('out'),
        right('held'),
        right(event.steps.some(m => m.deadLetters + m.skipped > 0) ? 'bad rows' : ''),
      ],
      rows,
      { title: style.dim },
    );
    const room = Math.max(2, height - 2);
    const kept = table.length <= room ? table : this.#mostActive(table, event.steps, room);
    return [head, ...kept].map(line => fitWidth(line, width));
  }

  /** The table's head, the steps at work, and how many are left out. */
  #mostActive(table: string[], steps: readonly StepMetrics[], room: number): string[] {
    const rank = { running: 0, opening: 1, waiting: 2, done: 3 };
    const order = steps.map((_, i) => i).sort((a, b) => rank[steps[a].state] - rank[steps[b].state] || a - b);
    const shown = order.slice(0, room - 2).sort((a, b) => a - b);
    return [table[0], ...shown.map(i => table[i + 1]), `  and ${steps.length - shown.length} more steps`];
  }

  /** One line for a log. */
  plainLine(): string {
    const event = this.#last;
    if (!event) return `${this.pipeline}: starting`;
    const going = event.steps.filter(m => m.state !== 'waiting');
    const many = going.length > MOST_IN_A_LINE;
    const active = going.filter(m => m.state === 'running' && rowsShown(m) > 0);
    const shown = many ? active.slice(-MOST_IN_A_LINE) : going;
    const done = going.filter(m => m.state === 'done').length;
    const parts = shown.map(m => {
      if (m.state === 'opening') return `${m.id} opening`;
      if (m.state === 'done') return `${m.id} ${count(rowsShown(m))} done`;
      const share = this.#share(m);
      const perSecond = this.#rates.rowsPerSecond(m.id);
      const told = [perSecond > 0 ? `${count(perSecond)}/s` : '', share].filter(Boolean).join(', ');
      return `${m.id} ${count(rowsShown(m))} rows${told && ` (${told})`}`;
    });
    const rest = this.leftMs();
    const end = [
      ...(many ? [`${done} of ${event.steps.length} steps done`] : []),
      `memory ${formatBytes(event.rssBytes)}`,
      ...committing(event),
      ...(rest === undefined ? [] : [`about ${formatTime(rest)} left`]),
    ];
    return `${this.pipeline} ${formatTime(event.elapsedMs)}: ${[...parts, ...end].join(', ')}`;
  }
}
