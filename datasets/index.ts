import type { DatasetDescriptor } from './descriptor.ts';
import { factbook } from './factbook.ts';
import { kobestBoolq } from './kobest-boolq.ts';
import { korquad1 } from './korquad1.ts';
import { newWiki } from './new-wiki.ts';
import { nqOpen } from './nq-open.ts';
import { scifact } from './scifact.ts';
import { squad2Dev } from './squad2-dev.ts';

export type {
  DatasetColumnType,
  DatasetContext,
  DatasetDescriptor,
  DatasetFile,
  DatasetRow,
  DatasetTake,
} from './descriptor.ts';
export { datasetSignature } from './folders.ts';
export { type FileCheck, verifyDataset } from './verify.ts';

/** Every dataset there is, one line each. */
export const datasets: readonly DatasetDescriptor[] = [
  factbook,
  kobestBoolq,
  korquad1,
  newWiki,
  nqOpen,
  scifact,
  squad2Dev,
];

/** How many letters must be put in, left out or changed to turn one word into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * The dataset of a name.
 * @throws Error that lists the datasets there are, and the one meant where a name is near
 */
export function findDataset(name: string): DatasetDescriptor {
  const found = datasets.find(dataset => dataset.name === name);
  if (found !== undefined) return found;
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const near = datasets
    .map(dataset => ({ dataset, far: distance(plain(name), plain(dataset.name)) }))
    .filter(({ dataset, far }) => far <= Math.max(1, Math.floor(dataset.name.length / 3)))
    .sort((a, b) => a.far - b.far)[0]?.dataset.name;
  const list = datasets.map(dataset => dataset.name).join(', ');
  throw new Error(
    `no dataset "${name}"; there are: ${list}${near === undefined ? '' : `. Did you mean "${near}"?`}`,
  );
}
