/** A bare thread: runs the hand-written loop over one part of the file each time it is told to. */
import { parentPort } from 'node:worker_threads';
import type { PipelineDefinition } from '../../src/define/index.ts';
import { planOf } from '../lib/plan.ts';
import { handLoop, type Part } from './loop.ts';

export interface BareTask {
  readonly definition: PipelineDefinition;
  readonly root: string;
  readonly part: Part;
}

const port = parentPort;
if (!port) throw new Error('this module runs in a worker');
port.on('message', async (task: BareTask) => {
  await handLoop(await planOf(task.definition, task.root), task.part);
  port.postMessage('done');
});
