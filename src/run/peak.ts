/** How much memory the process takes while a run works. */

/** Peak resident memory since it was made: the system's own high-water mark where it moved, else the samples'. */
export function peakMemory(): { current: number; sample(): void; peak(): number } {
  const before = process.resourceUsage().maxRSS * 1024;
  let sampled = 0;
  const meter = {
    current: 0,
    sample: (): void => {
      meter.current = process.memoryUsage.rss();
      sampled = Math.max(sampled, meter.current);
    },
    peak: (): number => {
      const now = process.resourceUsage().maxRSS * 1024;
      return now > before ? now : sampled;
    },
  };
  return meter;
}
