/** Named places where tests end the process, or a write, as the world outside would. */

/**
 * Ends the process as a crash would where `MILLRACE_FAULT=after-record` names the point, or fails as a full disk would,
 * `MILLRACE_FAULT=after-record!`. Nothing otherwise.
 */
export function faultPoint(point: string): void {
  const fault = process.env.MILLRACE_FAULT;
  if (fault === point) process.kill(process.pid, 'SIGKILL');
  if (fault === `${point}!`) {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }
}
