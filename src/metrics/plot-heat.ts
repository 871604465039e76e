/** Heat maps: a value for each pair of a row and a column. */
import {
  checkSize,
  fitText,
  type GraphicElement,
  HEAT_COLOURS,
  INK,
  LABEL_SIZE,
  MARGIN,
  MUTED,
  noData,
  renderSvg,
  TICK_SIZE,
  textAt,
  textWidth,
  titleBlock,
} from './plot-frame.ts';
import { formatNumber } from './plot-scale.ts';

export interface HeatMap {
  title: string;
  x: { label: string; names: readonly string[] };
  y: { label: string; names: readonly string[] };
  /** `values[row][column]`; NaN leaves the cell empty. */
  values: readonly ArrayLike<number>[];
  /** What the colour means. */
  value: { label: string; min?: number; max?: number; decimals?: number };
  /** Pixels. Default 760; the height follows from the number of rows unless given. */
  width?: number;
  height?: number;
}

const EMPTY_CELL = '#f1f3f5';

/**
 * Draws a heat map as an SVG document, with figures in the cells where they fit.
 *
 * @throws RangeError on a size outside 160 to 10,000 pixels and where the values do not fit the names.
 */
export async function heatMapSvg(plot: HeatMap): Promise<string> {
  const width = plot.width ?? 760;
  checkSize('width', width);
  const rows = plot.y.names.length;
  const columns = plot.x.names.length;
  checkValues(plot, rows, columns);
  const decimals = plot.value.decimals ?? 2;
  const data: [number, number, number][] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++)
      if (Number.isFinite(plot.values[r][c])) data.push([c, r, plot.values[r][c]]);
  }
  const min =
    plot.value.min ?? data.reduce((least, cell) => Math.min(least, cell[2]), Number.POSITIVE_INFINITY);
  const high =
    plot.value.max ?? data.reduce((most, cell) => Math.max(most, cell[2]), Number.NEGATIVE_INFINITY);
  const max = high > min ? high : min + 1;

  const title = titleBlock(plot.title, width);
  const rowNames = plot.y.names.map(name => fitText(name, TICK_SIZE, width * 0.3));
  const left = MARGIN + Math.max(40, ...rowNames.map(name => textWidth(name, TICK_SIZE))) + 8;
  const barLabels = [formatNumber(max, decimals), formatNumber(min, decimals)];
  const barRoom =
    data.length === 0
      ? MARGIN
      : 40 + Math.max(...barLabels.map(label => textWidth(label, TICK_SIZE))) + MARGIN;
  const right = width - barRoom;
  const cellWidth = (right - left) / Math.max(columns, 1);
  const slanted = plot.x.names.some(name => textWidth(name, TICK_SIZE) > cellWidth - 6);
  const columnNames = plot.x.names.map(name => fitText(name, TICK_SIZE, slanted ? 150 : cellWidth));
  const longest = Math.max(0, ...columnNames.map(name => textWidth(name, TICK_SIZE)));
  const nameRoom = slanted ? longest * Math.SQRT1_2 + 16 : 22;
  const top = title.bottom + 44;
  const cellHeight = Math.max(24, Math.min(48, cellWidth * 0.7));
  const bottom =
    plot.height === undefined ? top + Math.max(rows * cellHeight, 90) : plot.height - nameRoom - 38;
  const height = plot.height ?? bottom + nameRoom + 38;
  checkSize('height', height);
  const rowHeight = (bottom - top) / Math.max(rows, 1);

  const elements: GraphicElement[] = [...title.elements];
  elements.push(textAt(MARGIN, title.bottom + 22, plot.y.label, { size: LABEL_SIZE, colour: MUTED }));
  elements.push(
    textAt((left + right) / 2, height - MARGIN - 4, plot.x.label, {
      size: LABEL_SIZE,
      colour: MUTED,
      align: 'center',
    }),
    textAt(width - MARGIN, title.bottom + 22, plot.value.label, {
      size: LABEL_SIZE,
      colour: MUTED,
      align: 'right',
    }),
  );
  for (const [r, name] of rowNames.entries()) {
    elements.push(textAt(left - 8, top + (r + 0.5) * rowHeight, name, { align: 'right' }));
  }
  for (const [c, name] of columnNames.entries()) {
    const x = left + (c + 0.5) * cellWidth;
    elements.push(
      slanted
        ? textAt(x + 4, bottom + 10, name, { align: 'right', rotate: Math.PI / 4 })
        : textAt(x, bottom + 14, name, { align: 'center' }),
    );
  }
  const figures = data.map(cell => formatNumber(cell[2], decimals));
  const fits = rowHeight >= 16 && figures.every(figure => textWidth(figure, TICK_SIZE) <= cellWidth - 4);
  if (fits) {
    for (const [i, [c, r, value]] of data.entries()) {
      const light = (value - min) / (max - min) > 0.45;
      const x = left + (c + 0.5) * cellWidth;
      const y = top + (r + 0.5) * rowHeight;
      elements.push(textAt(x, y, figures[i], { align: 'center', colour: light ? INK : '#ffffff' }));
    }
  }
  if (data.length === 0) elements.push(noData((left + right) / 2, (top + bottom) / 2));
  else elements.push(...colourBar(right + 18, top, bottom, barLabels));
  return renderSvg(width, height, {
    grid: {
      left,
      right: width - right,
      top,
      bottom: height - bottom,
      containLabel: false,
      show: true,
      backgroundColor: EMPTY_CELL,
      borderWidth: 0,
    },
    xAxis: { type: 'category', data: columnNames, show: false },
    yAxis: { type: 'category', data: rowNames, inverse: true, show: false },
    visualMap: { show: false, min, max, inRange: { color: [...HEAT_COLOURS] }, dimension: 2 },
    series: [
      { type: 'heatmap', data, silent: true, itemStyle: { borderColor: '#ffffff', borderWidth: 1.5 }, z: 10 },
    ],
    graphic: { elements },
  });
}

/** The scale of the colours: a band from the largest value (top) to the smallest. */
function colourBar(x: number, top: number, bottom: number, [high, low]: string[]): GraphicElement[] {
  const stops = HEAT_COLOURS.map((color, i) => ({
    offset: 1 - i / (HEAT_COLOURS.length - 1),
    color,
  })).reverse();
  const band = {
    type: 'rect',
    shape: { x, y: top, width: 12, height: bottom - top },
    style: { fill: { type: 'linear', x: 0, y: 0, x2: 0, y2: 1, colorStops: stops } },
    silent: true,
  };
  return [band, textAt(x + 18, top + 6, high), textAt(x + 18, bottom - 6, low)];
}

function checkValues(plot: HeatMap, rows: number, columns: number): void {
  if (plot.values.length !== rows) {
    throw new RangeError(
      `plot: found ${plot.values.length} rows of values, wanted ${rows}, one for each of y.names`,
    );
  }
  for (let r = 0; r < rows; r++) {
    if (plot.values[r].length !== columns) {
      throw new RangeError(
        `plot: row ${r} ("${plot.y.names[r]}") has ${plot.values[r].length} values, wanted ${columns}, one for each of x.names`,
      );
    }
  }
}
