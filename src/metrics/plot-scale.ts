/** Axis ranges and ticks at round numbers. */

export interface Scale {
  min: number;
  max: number;
  ticks: number[];
  format(value: number): string;
}

/** Where a value lies on an axis, 0 at its beginning and 1 at its end. */
export function share(value: number, scale: Scale): number {
  return (value - scale.min) / (scale.max - scale.min);
}

/** A linear axis of about `count` ticks over [low, high]; `pinned` ends are kept, others move to a round number. */
export function linearScale(
  low: number,
  high: number,
  count: number,
  pinned: { min?: number; max?: number } = {},
): Scale {
  let min = pinned.min ?? low;
  let max = pinned.max ?? high;
  if (!(max > min)) {
    // One value only: give it room on both sides, within a pinned end.
    const room = Math.abs(min) * 0.1 || 0.5;
    if (pinned.min === undefined) min -= room;
    if (pinned.max === undefined || !(max > min)) max = Math.max(max, min) + room;
  }
  const step = roundStep((max - min) / count);
  if (pinned.min === undefined) min = Math.floor(min / step + 1e-9) * step;
  if (pinned.max === undefined) max = Math.ceil(max / step - 1e-9) * step;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) {
    ticks.push(Number((i * step).toFixed(decimals + 2)));
  }
  return { min, max, ticks, format: value => formatNumber(value, decimals) };
}

/** A logarithmic axis: values are given and drawn as their decimal logarithm, ticks at 1, 2, 5 times powers of ten. */
export function logScale(low: number, high: number): Scale {
  const min = Math.log10(low);
  const max = high > low ? Math.log10(high) : min + 1;
  const steps = max - min > 4 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(min); power <= Math.ceil(max); power++) {
    for (const step of steps) {
      const at = power + Math.log10(step);
      if (at >= min - 1e-9 && at <= max + 1e-9) ticks.push(at);
    }
  }
  if (ticks.length === 0) ticks.push(min, max);
  return { min, max, ticks, format: value => formatNumber(Number((10 ** value).toPrecision(3))) };
}

/** A number with a fixed count of decimals (else as many as it has), thousands set apart from 10,000 on. */
export function formatNumber(value: number, decimals?: number): string {
  const text = decimals === undefined ? String(value) : value.toFixed(decimals);
  if (Math.abs(value) < 10_000 || text.includes('e')) return text.replace(/^-(0(\.0+)?)$/, '$1');
  const [whole, fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const lead = step / power;
  const round = lead <= 1 + 1e-9 ? 1 : lead <= 2 + 1e-9 ? 2 : lead <= 5 + 1e-9 ? 5 : 10;
  return round * power;
}
