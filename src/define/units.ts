/** Sizes and times as people write them. */
const SIZES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const TIMES: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

function parse(value: number | string, units: Record<string, number>, none: string): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (!match) return undefined;
  const unit = units[match[2].toLowerCase() || none];
  return unit === undefined ? undefined : Number(match[1]) * unit;
}

/** Bytes of `'256 MiB'`, `'1.5GB'` or a number; undefined where it says no size. */
export const parseBytes = (value: number | string): number | undefined => parse(value, SIZES, 'b');
/** Milliseconds of `'20ms'`, `'5 s'`, `'1h'` or a number; undefined where it says no time. */
export const parseTime = (value: number | string): number | undefined => parse(value, TIMES, 'ms');

/** Bytes for people: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let n = bytes;
  let u = 0;
  while (n >= 1024 && u < units.length - 1) {
    n /= 1024;
    u++;
  }
  return `${u === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

/** A time for people: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 10 min`. */
export function formatTime(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
}
