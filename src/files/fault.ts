/** Named places where tests end the process, or a write, as the world outside would. */

/** At the end of a run. */
export const COMMIT_POINTS = [
  'before-record',
  'record',
  'after-record',
  'after-publish',
  'after-ledger',
  'after-commit',
] as const;

/** Of a commit in the middle of a run. */
export const INTERIM_POINTS = [
  'before-record-interim',
  'after-record-interim',
  'after-ledger-interim',
  'after-commit-interim',
] as const;

/** Where state is written: journal, ledger, the thread that fills it, notes, dead letters. */
export const STATE_POINTS = [
  'journal',
  'ledger',
  'ledger-part',
  'ahead',
  'ahead-thread',
  'notes',
  'dead-letters',
  'letters-gone',
] as const;

/** Inside sinks: segments, merges, generations, codebooks, files that are written whole. */
export const SINK_POINTS = [
  'sink-segment',
  'sink-merge',
  'sink-codebook',
  'sink-prepare',
  'sink-prepared',
  'sink-keep',
  'sink-published',
  'file-prepare',
  'file-publish',
  'file-published',
] as const;

export const FAULT_POINTS = [...COMMIT_POINTS, ...INTERIM_POINTS, ...STATE_POINTS, ...SINK_POINTS] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

const come = new Map<string, number>();

/**
 * Ends the process as a crash would where `MILLRACE_FAULT=after-record` names the point, or fails as a full disk would,
 * `MILLRACE_FAULT=after-record!`; with `after-record@3` the third time that a thread comes there, with `after-record!@3`
 * from that time on. Nothing otherwise.
 */
export function faultPoint(point: FaultPoint): void {
  const fault = process.env.MILLRACE_FAULT;
  if (!fault) return;
  const [named, time = '1'] = fault.split('@');
  if (named.replace('!', '') !== point) return;
  come.set(point, (come.get(point) ?? 0) + 1);
  if (named.endsWith('!') && (come.get(point) as number) >= Number(time))
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  if (!named.endsWith('!') && come.get(point) === Number(time)) process.kill(process.pid, 'SIGKILL');
}
