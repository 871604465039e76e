/** Changes, results and errors to messages and back. */
import type { RecordBatch } from 'apache-arrow';
import { decodeBatch, encodeBatch } from '../../arrow/index.ts';
import { type Change, UserError } from '../../define/index.ts';
import type { ChainResult } from '../chain.ts';
import { StepError } from '../errors.ts';
import type { WireChange, WireError, WireResult } from './protocol.ts';

export function encodeChange(change: Change): { wire: WireChange; transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const encode = (batch: RecordBatch | undefined): ArrayBuffer | undefined => {
    if (!batch) return undefined;
    const buffer = encodeBatch(batch);
    transfer.push(buffer);
    return buffer;
  };
  return {
    wire: { upserts: encode(change.upserts), deletes: encode(change.deletes), gone: encode(change.gone) },
    transfer,
  };
}

export const decodeChange = (wire: WireChange): Change => ({
  upserts: wire.upserts && decodeBatch(wire.upserts),
  deletes: wire.deletes && decodeBatch(wire.deletes),
  gone: wire.gone && decodeBatch(wire.gone),
});

export function encodeResult(result: ChainResult): { wire: WireResult; transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const encode = (batch: RecordBatch): ArrayBuffer => {
    const buffer = encodeBatch(batch);
    transfer.push(buffer);
    return buffer;
  };
  const wire: WireResult = {
    batch: result.batch && encode(result.batch),
    gone: result.gone.map(encode),
    letters: result.letters.map(l => ({ ...l, row: l.row && encode(l.row) })),
    counts: result.counts,
  };
  return { wire, transfer };
}

export const decodeResult = (wire: WireResult): ChainResult => ({
  batch: wire.batch && decodeBatch(wire.batch),
  gone: wire.gone.map(b => decodeBatch(b)),
  letters: wire.letters.map(l => ({ ...l, row: l.row && decodeBatch(l.row) })),
  counts: wire.counts.map(c => ({ ...c })),
});

export function encodeError(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error), name: 'Error' };
  return {
    message: error.message,
    name: error.name,
    stack: error.stack,
    help: error instanceof UserError ? error.help : undefined,
    step: error instanceof UserError ? error.step : undefined,
    row: error instanceof StepError ? error.row : undefined,
  };
}

export function decodeError(wire: WireError): Error {
  if (wire.step !== undefined)
    return new StepError(wire.step, wire.message, { row: wire.row, help: wire.help });
  const error =
    wire.name === 'UserError' ? new UserError(wire.message, { help: wire.help }) : new Error(wire.message);
  error.stack = wire.stack;
  return error;
}
