/** Where a row's trail leaves its flow: files that one flow writes and another reads, between which no rows are known. */
import { relative, resolve, sep } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import { planContext } from '../context.ts';
import type { Lineage } from './find.ts';
import { flowName } from './flow-memory.ts';
import { remembersRows } from './flow-state.ts';
import { placesOf } from './places.ts';

/** A file, or folder, that a step writes and another reads. */
export interface Border {
  readonly path: string;
  readonly writer: string;
  readonly writerFlow: string;
  readonly reader: string;
  readonly readerFlow: string;
  /** Whether the flow on the other side remembers its rows one by one, so that a key leads on there. */
  readonly leadsOn: boolean;
}

/** @returns what the row's file was written by, and what reads the files that its flow writes whole */
export function bordersOf(plan: Plan, row: Lineage): { readonly from: Border[]; readonly to: Border[] } {
  const ctx = planContext(plan.root);
  const own = plan.flows.find(f => f.steps.some(s => s.id === row.source));
  const from: Border[] = [];
  const to: Border[] = [];
  if (!own) return { from, to };
  const part = row.part === undefined ? undefined : resolve(plan.root, row.part);
  for (const flow of plan.flows) {
    for (const writer of flow.steps.filter(s => s.op.shape === 'sink'))
      for (const path of placesOf(writer, 'write', ctx)) {
        const border = { path: relative(plan.root, path), writer: writer.id, writerFlow: flowName(flow) };
        if (flow !== own) {
          if (part === undefined || !holds(path, part)) continue;
          const leadsOn = remembersRows(flow);
          from.push({ ...border, reader: row.source, readerFlow: flowName(own), leadsOn });
          continue;
        }
        for (const other of plan.flows.filter(f => f !== own))
          for (const reader of other.steps)
            if (reader.op.shape === 'source' && placesOf(reader, 'read', ctx).some(p => holds(p, path)))
              to.push({
                ...border,
                reader: reader.id,
                readerFlow: flowName(other),
                leadsOn: remembersRows(other),
              });
      }
  }
  return { from, to };
}

const holds = (path: string, file: string): boolean => file === path || file.startsWith(path + sep);
