/** Line plots: one or many runs over a common axis. */
import {
  AXIS_LINE,
  checkSize,
  GRID_LINE,
  type GraphicElement,
  INK,
  LABEL_SIZE,
  LEGEND_MARK,
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
  UNIT_AXES,
} from './plot-frame.ts';
import { formatNumber, linearScale, logScale, type Scale, share } from './plot-scale.ts';

export interface LinePlot {
  title: string;
  /** `log`: logarithmic, for x above 0. */
  x: { label: string; log?: boolean };
  /** Without `min` and `max` the axis fits the data and need not begin at 0. */
  y: { label: string; min?: number; max?: number };
  series: readonly LineSeries[];
  /** Pixels. Default 760 × 460; a long legend makes the plot taller, never the lines smaller. */
  width?: number;
  height?: number;
}

export interface LineSeries {
  name: string;
  /** (x, y) in order of x; a point with NaN is left out. */
  points: readonly (readonly [number, number])[];
}

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface Drawn {
  index: number;
  name: string;
  points: [number, number][];
}

const DASHES = ['solid', [7, 4], [2, 3]] as const;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;
const LABEL_HEIGHT = 17;
const LABEL_GAP = 22;
/** Room for a piece of the line before its name, where dashes tell lines apart. */
const SAMPLE = 28;

/**
 * Draws lines as an SVG document. Names stand at the ends of their lines where they fit, else in a legend
 * below. Same input, same bytes.
 *
 * @throws RangeError on a size outside 160 to 10,000 pixels and on x ≤ 0 on a logarithmic axis.
 */
export async function lineSvg(plot: LinePlot): Promise<string> {
  const width = plot.width ?? 760;
  const baseHeight = plot.height ?? 460;
  checkSize('width', width);
  checkSize('height', baseHeight);
  const drawn = plot.series.map((series, index) => prepare(series, index, plot.x.log === true));
  const all = drawn.flatMap(series => series.points);
  const xs = all.map(point => point[0]);
  const ys = all.map(point => point[1]);
  const empty = all.length === 0;

  const title = titleBlock(plot.title, width);
  const yScale = yAxis(plot, ys);
  const left =
    MARGIN + Math.max(...yScale.ticks.map(tick => textWidth(yScale.format(tick), TICK_SIZE)), 12) + 10;
  const top = title.bottom + 30;
  const bottomRoom = 62;
  const labelled = drawn.filter(series => series.points.length > 0);
  const labelWidth = Math.max(0, ...labelled.map(series => textWidth(series.name, TICK_SIZE)));
  const direct =
    labelled.length === drawn.length &&
    labelWidth <= width * 0.34 &&
    labelled.length * LABEL_HEIGHT <= baseHeight - top - bottomRoom;
  const rows = direct
    ? []
    : legendRows(
        drawn.map(series => series.name),
        width - left - MARGIN,
      );
  const area: Area = {
    left,
    right:
      direct && !empty ? width - MARGIN - labelWidth - LABEL_GAP - sampleOf(labelled) : width - MARGIN - 12,
    top,
    bottom: baseHeight - bottomRoom,
  };
  const height = baseHeight + rows.length * LEGEND_ROW + (rows.length > 0 ? 2 : 0);
  const xScale = xAxis(plot, xs, area);

  const elements: GraphicElement[] = [...title.elements, ...axes(xScale, yScale, area)];
  elements.push(textAt(MARGIN, title.bottom + 10, plot.y.label, { size: LABEL_SIZE, colour: MUTED }));
  elements.push(
    textAt((area.left + area.right) / 2, area.bottom + 40, plot.x.label, {
      size: LABEL_SIZE,
      colour: MUTED,
      align: 'center',
    }),
  );
  if (empty) elements.push(noData((area.left + area.right) / 2, (area.top + area.bottom) / 2));
  else if (direct) elements.push(...endLabels(labelled, xScale, yScale, area));
  elements.push(...legend(rows, left, baseHeight - 4, drawn));

  return renderSvg(width, height, {
    grid: {
      left: area.left,
      right: width - area.right,
      top: area.top,
      bottom: height - area.bottom,
      containLabel: false,
    },
    ...UNIT_AXES,
    series: drawn.map(series => lineOption(series, xScale, yScale)),
    graphic: { elements },
  });
}

function prepare(series: LineSeries, index: number, log: boolean): Drawn {
  const points: [number, number][] = [];
  for (const [x, y] of series.points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (log && x <= 0) {
      throw new RangeError(
        `plot: series "${series.name}" has x ${x}, a logarithmic axis wants x above 0; leave x.log out or the point`,
      );
    }
    points.push([log ? Math.log10(x) : x, y]);
  }
  return { index, name: series.name, points };
}

function yAxis({ y }: LinePlot, ys: readonly number[]): Scale {
  if (ys.length === 0) return linearScale(0, 1, 5, y);
  const low = least(ys);
  const high = most(ys);
  const scale = linearScale(low, high, 5, y);
  // Shares stay shares: no axis to 1.05.
  if (low < 0 || high > 1 || (scale.min >= 0 && scale.max <= 1)) return scale;
  return linearScale(low, high, 5, {
    min: y.min ?? Math.max(0, scale.min),
    max: y.max ?? Math.min(1, scale.max),
  });
}

function xAxis(plot: LinePlot, xs: readonly number[], area: Area): Scale {
  if (xs.length === 0) return linearScale(0, 1, 5, { min: 0, max: 1 });
  const low = least(xs);
  const high = most(xs);
  if (plot.x.log === true) return thin(logScale(10 ** low, 10 ** high), area);
  if (low === high)
    return { ...linearScale(low, high, 4), ticks: [low], format: value => formatNumber(value) };
  // The first point sits on the axis; a value tick at each end is worth more than a round beginning.
  const scale = linearScale(low, high, Math.max(2, Math.min(10, (area.right - area.left) / 70)), {
    min: low,
    max: high,
  });
  return Number.isInteger(low) && scale.ticks[0] - low > (high - low) * 0.05
    ? { ...scale, ticks: [low, ...scale.ticks] }
    : scale;
}

/** Drops tick labels that would touch the one before. */
function thin(scale: Scale, area: Area): Scale {
  const pixels = (area.right - area.left) / (scale.max - scale.min);
  const ticks: number[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const tick of scale.ticks) {
    const half = textWidth(scale.format(tick), TICK_SIZE) / 2;
    const at = (tick - scale.min) * pixels;
    if (at - half < end + 6) continue;
    ticks.push(tick);
    end = at + half;
  }
  return { ...scale, ticks };
}

/** Axis line, ticks and figures below, figures and grid lines at the left. */
function axes(xScale: Scale, yScale: Scale, area: Area): GraphicElement[] {
  const elements = [lineAt(area.left, area.bottom, area.right, area.bottom, AXIS_LINE)];
  for (const tick of yScale.ticks) {
    const y = toY(tick, yScale, area);
    elements.push(lineAt(area.left, y, area.right, y, GRID_LINE, 1, 1));
    elements.push(textAt(area.left - 8, y, yScale.format(tick), { colour: MUTED, align: 'right' }));
  }
  for (const tick of xScale.ticks) {
    const x = toX(tick, xScale, area);
    elements.push(lineAt(x, area.bottom, x, area.bottom + 5, AXIS_LINE));
    elements.push(textAt(x, area.bottom + 16, xScale.format(tick), { colour: MUTED, align: 'center' }));
  }
  return elements;
}

function toX(x: number, scale: Scale, area: Area): number {
  return area.left + share(x, scale) * (area.right - area.left);
}

function toY(y: number, scale: Scale, area: Area): number {
  return area.bottom - share(y, scale) * (area.bottom - area.top);
}

function lineOption(series: Drawn, xScale: Scale, yScale: Scale): Record<string, unknown> {
  const { index } = series;
  const colour = SERIES_COLOURS[index % SERIES_COLOURS.length];
  const few = series.points.length <= 15;
  return {
    type: 'line',
    name: series.name,
    data: series.points.map(([x, y]) => [share(x, xScale), share(y, yScale)]),
    silent: true,
    clip: false,
    showSymbol: few,
    showAllSymbol: true,
    symbol: SYMBOLS[index % SYMBOLS.length],
    symbolSize: series.points.length === 1 ? 9 : 6,
    lineStyle: { color: colour, width: 2, type: dashOf(index) },
    itemStyle: { color: colour },
    z: 10,
  };
}

function dashOf(index: number): unknown {
  // The first four colours are far apart; later ones get a dash as well.
  return DASHES[Math.floor(index / 4) % DASHES.length];
}

/** Names at the right ends, moved apart where they would touch, with a thin line to where they belong. */
function endLabels(drawn: readonly Drawn[], xScale: Scale, yScale: Scale, area: Area): GraphicElement[] {
  const labels = drawn
    .map(series => {
      const [x, y] = series.points[series.points.length - 1];
      return { series, x: toX(x, xScale, area), y: toY(y, yScale, area) };
    })
    .sort((a, b) => a.y - b.y || a.series.index - b.series.index);
  const places = spread(
    labels.map(label => label.y),
    LABEL_HEIGHT,
    area.top,
    area.bottom,
  );
  const sample = sampleOf(drawn);
  return labels.flatMap(({ series, x, y }, i) => {
    const colour = SERIES_COLOURS[series.index % SERIES_COLOURS.length];
    const at = area.right + LABEL_GAP - 4;
    const text = textAt(at + sample, places[i], series.name, { colour: INK });
    const pointer = lineAt(x + 5, y, area.right + LABEL_GAP - 8, places[i], colour);
    // A line that ends further left is pointed at, not prolonged.
    if (area.right - x > 12) Object.assign(pointer.style as object, { lineDash: [1, 4], opacity: 0.7 });
    if (sample === 0) return [pointer, text];
    const piece = lineAt(at - 2, places[i], at + sample - 6, places[i], colour, 2);
    const dash = dashOf(series.index);
    Object.assign(piece.style as object, { lineDash: dash });
    return [pointer, piece, text];
  });
}

const sampleOf = (drawn: readonly Drawn[]): number =>
  drawn.some(series => dashOf(series.index) !== 'solid') ? SAMPLE : 0;

/** Moves sorted positions at least `gap` apart inside [low, high], each as near to its own as can be. */
function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  // Groups that touch are centred on the mean of what their members want.
  const groups: { sum: number; count: number; from: number }[] = [];
  for (const [i, at] of wanted.entries()) {
    groups.push({ sum: at - i * gap, count: 1, from: i });
    for (let last = groups.length - 1; last > 0; last--) {
      const [above, below] = [groups[last - 1], groups[last]];
      if (above.sum / above.count < below.sum / below.count) break;
      above.sum += below.sum;
      above.count += below.count;
      groups.pop();
    }
  }
  const limit = high - (wanted.length - 1) * gap;
  return groups.flatMap(({ sum, count, from }) => {
    const start = Math.max(low, Math.min(limit, sum / count));
    return Array.from({ length: count }, (_, i) => start + (from + i) * gap);
  });
}

function legend(
  rows: ReturnType<typeof legendRows>,
  left: number,
  top: number,
  drawn: readonly Drawn[],
): GraphicElement[] {
  return rows.flatMap((row, r) =>
    row.flatMap(({ index, x, text }) => {
      const y = top + r * LEGEND_ROW + LEGEND_ROW / 2 - 6;
      const colour = SERIES_COLOURS[drawn[index].index % SERIES_COLOURS.length];
      const mark = lineAt(left + x, y, left + x + LEGEND_MARK - 7, y, colour, 2);
      const dash = dashOf(drawn[index].index);
      if (Array.isArray(dash)) (mark.style as Record<string, unknown>).lineDash = dash;
      return [mark, textAt(left + x + LEGEND_MARK, y, text)];
    }),
  );
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
