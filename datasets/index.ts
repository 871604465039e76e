import { nearest } from '../src/define/index.ts';
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

/**
 * The dataset of a name.
 * @throws Error that lists the datasets there are, and the one meant where a name is near
 */
export function findDataset(name: string): DatasetDescriptor {
  const found = datasets.find(dataset => dataset.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    datasets.map(dataset => dataset.name),
  );
  const list = datasets.map(dataset => dataset.name).join(', ');
  throw new Error(
    `no dataset "${name}"; there are: ${list}${near === undefined ? '' : `. Did you mean "${near}"?`}`,
  );
}
