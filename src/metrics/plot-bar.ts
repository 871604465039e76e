/** Bar plots: one bar a category and series, lying, so that long names can be read. */
import {
  AXIS_LINE,
  checkSize,
  fitText,
  GRID_LINE,
  type GraphicElement,
  INK,
  LABEL_SIZE,
  LEGEND_ROW,
  legendRows,
  lineAt,
  MARGIN,
  MUTED,
  noData,
  renderSvg,
  SERIES_COLOURS,
  TICK_SIZE,
  textAt,
  textWidth,
  titleBlock,
} from './plot-frame.ts';
import { formatNumber, linearScale, share } from './plot-scale.ts';

export interface BarPlot {
  title: string;
  /** Axis of the values; begins at 0 unless a value is negative or `min` says otherwise. */
  value: { label: string; min?: number; max?: number; decimals?: number };
  categories: readonly string[];
  series: readonly BarSeries[];
  /** Pixels; the height follows from the number of bars. Default 760. */
  width?: number;
}

export interface BarSeries {
  name: string;
  /** One value a category; NaN draws no bar. */
  values: ArrayLike<number>;
  /** Ends of an interval around each value, such as those of `bootstrapInterval`. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
}

const BAR = 18;
const BAR_GAP = 3;
const CATEGORY_GAP = 16;

/**
 * Draws bars as an SVG document, with each value in figures at the end of its bar.
 *
 * @throws RangeError on a width outside 160 to 10,000 pixels and where a series has not one value a category.
 */
export async function barSvg(plot: BarPlot): Promise<string> {
  const { categories, series } = plot;
  const width = plot.width ?? 760;
  checkSize('width', width);
  checkValues(plot);
  const decimals = plot.value.decimals ?? 3;
  const ends: number[] = [];
  for (const one of series) {
    for (const list of [one.values, one.low, one.high]) {
      for (let i = 0; i < (list?.length ?? 0); i++)
        if (Number.isFinite(list?.[i])) ends.push(list?.[i] as number);
    }
  }
  const low = ends.reduce((a, b) => Math.min(a, b), 0);
  const high = ends.reduce((a, b) => Math.max(a, b), low === 0 ? Number.MIN_VALUE : 0);
  const pinned = { min: plot.value.min ?? (low === 0 ? 0 : undefined), max: plot.value.max };
  const scale = ends.length === 0 ? linearScale(0, 1, 5) : linearScale(low, high, 5, pinned);

  const title = titleBlock(plot.title, width);
  const rows =
    series.length > 1
      ? legendRows(
          series.map(one => one.name),
          width - 2 * MARGIN,
        )
      : [];
  const names = categories.map(name => fitText(name, TICK_SIZE, width * 0.4));
  const left = MARGIN + Math.max(40, ...names.map(name => textWidth(name, TICK_SIZE))) + 8;
  const valueRoom = Math.max(...scale.ticks.map(tick => textWidth(tick.toFixed(decimals), TICK_SIZE))) + 8;
  const right = width - MARGIN - valueRoom;
  const top = title.bottom + rows.length * LEGEND_ROW + 8;
  const block = series.length * (BAR + BAR_GAP) - BAR_GAP + CATEGORY_GAP;
  const bottom = top + Math.max(categories.length * block, 60);
  const height = bottom + 62;
  // A pinned end cuts the bars that go past it; the figures still say where they end.
  const toX = (value: number): number => left + clamp(share(value, scale)) * (right - left);

  const elements: GraphicElement[] = [...title.elements, ...legend(rows, title.bottom)];
  for (const tick of scale.ticks) {
    elements.push(lineAt(toX(tick), top, toX(tick), bottom, GRID_LINE, 1, 1));
    elements.push(textAt(toX(tick), bottom + 14, scale.format(tick), { colour: MUTED, align: 'center' }));
  }
  const base = toX(Math.min(scale.max, Math.max(0, scale.min)));
  elements.push(lineAt(base, top, base, bottom, AXIS_LINE, 1, 30));
  const middle = (left + right) / 2;
  elements.push(
    textAt(middle, bottom + 42, plot.value.label, { size: LABEL_SIZE, colour: MUTED, align: 'center' }),
  );
  if (ends.length === 0) elements.push(noData(middle, (top + bottom) / 2));
  for (const [c, name] of names.entries()) {
    const from = top + c * block + CATEGORY_GAP / 2;
    elements.push(textAt(left - 8, from + (block - CATEGORY_GAP) / 2, name, { align: 'right' }));
    for (const [s, one] of series.entries()) {
      if (!Number.isFinite(one.values[c])) continue;
      const y = from + s * (BAR + BAR_GAP) + BAR / 2;
      const end = toX(one.values[c]);
      elements.push({
        type: 'rect',
        shape: { x: Math.min(base, end), y: y - BAR / 2, width: Math.abs(end - base), height: BAR },
        style: { fill: SERIES_COLOURS[s % SERIES_COLOURS.length] },
        silent: true,
        z: 10,
      });
      elements.push(...mark(one, c, y, toX, formatNumber(one.values[c], decimals)));
    }
  }
  return renderSvg(width, height, { graphic: { elements } });
}

/** The value in figures past the bar's end, and the interval as a whisker where there is one. */
function mark(
  series: BarSeries,
  at: number,
  y: number,
  toX: (value: number) => number,
  text: string,
): GraphicElement[] {
  const value = series.values[at];
  const low = series.low?.[at] ?? Number.NaN;
  const high = series.high?.[at] ?? Number.NaN;
  const end = toX(Math.max(value, 0, Number.isFinite(high) ? high : value));
  const elements = [textAt(end + 6, y, text, { colour: INK })];
  if (Number.isFinite(low) && Number.isFinite(high)) {
    const [from, to] = [toX(low), toX(high)];
    // White under black: seen on every bar and past its end.
    for (const [colour, size] of [
      ['#ffffff', 3],
      [INK, 1],
    ] as const) {
      elements.push(lineAt(from, y, to, y, colour, size));
      elements.push(
        lineAt(from, y - 4, from, y + 4, colour, size),
        lineAt(to, y - 4, to, y + 4, colour, size),
      );
    }
  }
  return elements;
}

function legend(rows: ReturnType<typeof legendRows>, top: number): GraphicElement[] {
  return rows.flatMap((row, r) =>
    row.flatMap(({ index, x, text }) => {
      const y = top + r * LEGEND_ROW + LEGEND_ROW / 2;
      const colour = SERIES_COLOURS[index % SERIES_COLOURS.length];
      const box = {
        type: 'rect',
        shape: { x: MARGIN + x, y: y - 6, width: 12, height: 12 },
        style: { fill: colour },
        silent: true,
      };
      return [box, textAt(MARGIN + x + 18, y, text)];
    }),
  );
}

function checkValues({ categories, series }: BarPlot): void {
  for (const one of series) {
    for (const name of ['values', 'low', 'high'] as const) {
      const found = one[name]?.length;
      if (found !== undefined && found !== categories.length) {
        throw new RangeError(
          `plot: series "${one.name}" has ${found} entries in ${name}, wanted ${categories.length}, one a category`,
        );
      }
    }
  }
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
