/** What all plots share: colours, text sizes and widths, and rendering to SVG without a browser. */
import type { EChartsCoreOption } from 'echarts/core';

export type GraphicElement = Record<string, unknown>;

/**
 * Series colours, apart for colour-blind readers and dark enough on white: Okabe & Ito (2008), with a wine
 * red (Tol) in place of its yellow.
 */
export const SERIES_COLOURS = [
  '#0072B2',
  '#D55E00',
  '#009E73',
  '#CC79A7',
  '#E69F00',
  '#56B4E9',
  '#882255',
  '#000000',
] as const;

/** Cividis (Nuñez, Anderton & Renslow 2018): even in lightness, the same to colour-blind readers. */
export const HEAT_COLOURS = ['#00224e', '#35456c', '#666970', '#948e77', '#c8b866', '#fee838'] as const;

export const INK = '#1f2328';
export const MUTED = '#59636e';
export const GRID_LINE = '#e4e7eb';
export const AXIS_LINE = '#8c959f';
export const FONT =
  "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', Arial, sans-serif";
export const TITLE_SIZE = 16;
export const LABEL_SIZE = 13;
export const TICK_SIZE = 12;
/** Free space along the edges. */
export const MARGIN = 16;

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Width of a text in pixels, estimated on the large side: fonts differ, and a label must not be cut. */
export function textWidth(text: string, size: number, bold = false): number {
  let em = 0;
  for (const char of text) {
    if (WIDE.test(char) || (char.codePointAt(0) as number) > 0xffff) em += 1;
    else if (/[ijl.,:;'|! ()[\]]/.test(char)) em += 0.36;
    else if (/[mwMW@%]/.test(char)) em += 0.95;
    else if (/[A-Z]/.test(char)) em += 0.7;
    else em += 0.59;
  }
  return em * size * (bold ? 1.08 : 1);
}

/** Cuts a text to a width, with an ellipsis. */
export function fitText(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  const chars = [...text];
  while (chars.length > 1 && textWidth(`${chars.join('')}…`, size) > width) chars.pop();
  return `${chars.join('').trimEnd()}…`;
}

/** Breaks a text at spaces into lines of a width; a word that is too long is cut. */
export function wrapText(text: string, size: number, width: number, bold = false): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer, size, bold) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (line !== '') lines.push(line);
  return lines.map(one => fitText(one, size, width));
}

/** A piece of text at a pixel position. */
export function textAt(
  x: number,
  y: number,
  text: string,
  style: {
    size?: number;
    colour?: string;
    bold?: boolean;
    align?: 'left' | 'center' | 'right';
    middle?: boolean;
    rotate?: number;
  } = {},
): GraphicElement {
  return {
    type: 'text',
    x,
    y,
    rotation: style.rotate ?? 0,
    silent: true,
    style: {
      text,
      fill: style.colour ?? INK,
      font: `${style.bold ? 'bold ' : ''}${style.size ?? TICK_SIZE}px ${FONT}`,
      align: style.align ?? 'left',
      verticalAlign: style.middle === false ? 'top' : 'middle',
    },
    z: 50,
  };
}

/** A straight line between two pixel positions; series are drawn at depth 10. */
export function lineAt(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: string,
  width = 1,
  z = 40,
): GraphicElement {
  return {
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: colour, lineWidth: width },
    silent: true,
    z,
  };
}

/** The title's lines at the top left, and the y at which what follows may begin. */
export function titleBlock(title: string, width: number): { elements: GraphicElement[]; bottom: number } {
  const lines = wrapText(title, TITLE_SIZE, width - 2 * MARGIN, true);
  const elements = lines.map((line, i) =>
    textAt(MARGIN, MARGIN + i * 21, line, { size: TITLE_SIZE, bold: true, middle: false }),
  );
  return { elements, bottom: MARGIN + lines.length * 21 + 4 };
}

/** Rows of a legend: which series stand in which row, at which x. */
export function legendRows(
  names: readonly string[],
  width: number,
): { index: number; x: number; text: string }[][] {
  const rows: { index: number; x: number; text: string }[][] = [];
  let x = width;
  for (const [index, name] of names.entries()) {
    const text = fitText(name, TICK_SIZE, width - LEGEND_MARK);
    const need = LEGEND_MARK + textWidth(text, TICK_SIZE);
    if (x + need > width) {
      rows.push([]);
      x = 0;
    }
    rows[rows.length - 1].push({ index, x, text });
    x += need + 18;
  }
  return rows;
}

/** Room for a legend entry's mark, and a legend row's height. */
export const LEGEND_MARK = 32;
export const LEGEND_ROW = 20;

/** "no data" in the middle of an area. */
export function noData(x: number, y: number): GraphicElement {
  return textAt(x, y, 'no data', { size: LABEL_SIZE, colour: MUTED, align: 'center' });
}

/** Axes over [0, 1] that draw nothing: scales, ticks and figures are ours, so that they cannot be cut or moved. */
export const UNIT_AXES = {
  xAxis: { type: 'value', min: 0, max: 1, show: false },
  yAxis: { type: 'value', min: 0, max: 1, show: false },
} as const;

export function checkSize(name: string, value: number): void {
  if (!Number.isFinite(value) || value < 160 || value > 10_000) {
    throw new RangeError(`plot: ${name} is ${value}, wanted a number of pixels from 160 to 10,000`);
  }
}

/**
 * Renders a chart to an SVG document on a white card. echarts is loaded on first use (half a second) and the
 * chart disposed of, else its timers keep the process alive.
 */
export async function renderSvg(width: number, height: number, option: EChartsCoreOption): Promise<string> {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  core.use([
    charts.LineChart,
    charts.HeatmapChart,
    components.GridComponent,
    components.GraphicComponent,
    components.VisualMapComponent,
    renderers.SVGRenderer,
  ]);
  const chart = core.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: FONT, color: INK },
      ...option,
    });
    return stableIds(plainDrawing(chart.renderToSVGString()));
  } finally {
    chart.dispose();
  }
}

/** A drawing, not a widget: without hover styles, and with baselines that every viewer and converter places alike. */
function plainDrawing(svg: string): string {
  return svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class="zr\d+-cls-\d+"|pointer-events="visible")/g, '')
    .replaceAll('dominant-baseline="central"', 'dy="0.35em"')
    .replace(/\n\s*\n/g, '\n');
}

/**
 * echarts numbers the ids of clip paths and gradients by a counter of the process. Numbered by a hash of the
 * drawing, the same plot gives the same bytes, and two plots in one page do not share ids.
 */
function stableIds(svg: string): string {
  const plain = svg.replace(/\bzr\d+-/g, 'zr-');
  let hash = 0x811c9dc5;
  for (let i = 0; i < plain.length; i++) hash = Math.imul(hash ^ plain.charCodeAt(i), 0x01000193);
  return plain.replace(/\bzr-/g, `m${(hash >>> 0).toString(16).padStart(8, '0')}-`);
}
