/** Shows a run while it runs: a table redrawn in place on a terminal, a line every few seconds elsewhere. */
import type { RunEvent } from '../events/types.ts';
import { LiveView } from './live.ts';
import { canRedraw, type Output, oneLine, type Style, widthOf } from './terminal.ts';

/** Drawn about eight times a second: more costs time and shows no more. */
const REDRAW_MS = 125;
const LINE_MS = 5000;
/** The first line comes sooner, so that it can be seen that something happens. */
const FIRST_LINE_MS = 1000;
/** Warnings and bad rows are printed up to this many a run; then they are only counted. */
const MOST_MESSAGES = 20;

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';

/** The part of an Observable that is used. */
interface Events {
  subscribe(observer: { next(event: RunEvent): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/** Draws frames over each other, and lets lines be printed above them. */
export class Frame {
  readonly #out: Output;
  #drawn = 0;
  readonly #restore = (): void => void this.#out.write(SHOW);

  constructor(out: Output) {
    this.#out = out;
    out.write(HIDE);
    process.once('exit', this.#restore);
  }
  draw(lines: readonly string[]): void {
    this.#out.write(`${this.#up()}${lines.map(l => `${l}\u001b[K\n`).join('')}\u001b[J`);
    this.#drawn = lines.length;
  }
  /** A line above the frame; the next draw puts the frame under it. */
  print(line: string): void {
    this.#out.write(`${this.#up()}\u001b[J${line}\n`);
    this.#drawn = 0;
  }
  /** Takes the frame away and gives the cursor back. */
  close(): void {
    this.#out.write(`${this.#up()}\u001b[J${SHOW}`);
    this.#drawn = 0;
    process.removeListener('exit', this.#restore);
  }
  #up(): string {
    return this.#drawn > 0 ? `\u001b[${this.#drawn}A\r` : '\r';
  }
}

/**
 * Follows a run's events until `stop`.
 * @param quiet no progress, only warnings
 */
export function follow(
  pipeline: string,
  events: Events,
  out: Output,
  style: Style,
  quiet = false,
): { stop(): void } {
  const view = new LiveView(pipeline);
  const frame = !quiet && canRedraw(out) ? new Frame(out) : undefined;
  const draw = (): void => frame?.draw(view.lines(widthOf(out) - 1, out.rows ?? 24, style));
  const messages = new Map<string, number>();
  const begun = new Set<string>();
  const say = (line: string): void => {
    if (frame) {
      frame.print(line);
      draw();
    } else out.write(`${line}\n`);
  };
  const message = (kind: string, text: string): void => {
    const seen = (messages.get(kind) ?? 0) + 1;
    messages.set(kind, seen);
    if (seen <= MOST_MESSAGES) say(text);
    else if (seen === MOST_MESSAGES + 1) say(style.dim(`more of these are only counted (${kind})`));
  };
  const subscription = events.subscribe({
    next: event => {
      if (event.type === 'progress') view.update(event);
      else if (event.type === 'warning')
        message(
          'warnings',
          `${style.yellow('warning')}  ${event.step && `step "${event.step}": `}${oneLine(event.message)}`,
        );
      else if (event.type === 'flow') {
        // bad rows that were told count for nothing any more
        if (begun.has(event.flow)) {
          messages.delete('bad rows');
          const why = event.reasons.map(r => r.text).join('; ');
          say(`flow "${event.flow}" begins again, over all rows: ${oneLine(why)}`);
        }
        begun.add(event.flow);
      } else if (event.type === 'dead-letter')
        message(
          'bad rows',
          `${style.yellow('bad row')}  step "${event.step}" ${event.where}: ${oneLine(event.message)}`,
        );
    },
    // the run's result tells of a failure
    error: () => {},
    complete: () => {},
  });
  const writeLine = (): void => void out.write(`${view.plainLine()}\n`);
  const lines = !frame && !quiet;
  const first = lines ? setTimeout(writeLine, FIRST_LINE_MS) : undefined;
  const timer = frame ? setInterval(draw, REDRAW_MS) : lines ? setInterval(writeLine, LINE_MS) : undefined;
  first?.unref();
  timer?.unref();
  return {
    stop: () => {
      clearTimeout(first);
      clearInterval(timer);
      subscription.unsubscribe();
      frame?.close();
    },
  };
}
