/** The machine a figure was measured on, in a line. */
import { cpus, totalmem } from 'node:os';

export function machineLine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() || 'unknown processor';
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cores.length} cores (${model}), ${memory} GiB memory, Node ${process.versions.node}, ${process.platform}-${process.arch}`;
}
