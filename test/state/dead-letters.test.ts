import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { batchFromRows, float64, rowsOf, utf8 } from '../../src/arrow/index.ts';
import { type DeadLetter, DeadLetterBox, readDeadLetters } from '../../src/state/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-letters-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const letter = (where: string, rest: Partial<DeadLetter>): DeadLetter => ({
  step: 's',
  fingerprint: 'f',
  where,
  message: 'no',
  time: 't',
  ...rest,
});
const row = (n: number) => batchFromRows({ n: float64() }, [{ n }]);
const read = async (): Promise<DeadLetter[]> => {
  const all: DeadLetter[] = [];
  for await (const l of readDeadLetters(folder)) all.push(l);
  return all;
};

it('letters of every kind come back in order, and those before a cut are still there', async () => {
  const box = new DeadLetterBox(folder);
  box.add([
    letter('1', { row: row(1) }),
    letter('2', { row: row(2), root: { source: 'src', id: 7 } }),
    letter('3', { record: 'three' }),
  ]);
  // a row whose only column has the name of what a record is called in lists
  box.add([letter('4', { row: batchFromRows({ record: utf8() }, [{ record: 'a row' }]) })]);
  await box.settle();
  const all = await read();
  expect(all.map(l => [l.where, l.record, l.row && rowsOf(l.row)])).toEqual([
    ['1', undefined, [{ n: 1 }]],
    ['2', undefined, [{ n: 2 }]],
    ['3', 'three', undefined],
    ['4', undefined, [{ record: 'a row' }]],
  ]);
  expect(all[1].root).toEqual({ source: 'src', id: 7 });
  const path = join(folder, 's.arrow');
  const bytes = readFileSync(path);
  const counts: number[] = [];
  for (let end = bytes.length - 1; end >= 0; end -= 41) {
    writeFileSync(path, bytes.subarray(0, end));
    counts.unshift((await read()).length);
  }
  expect(counts).toEqual([...counts].sort());
  expect(new Set(counts)).toEqual(new Set([0, 2, 3]));
});

it('letters of a newer format are refused by name', async () => {
  const newer = mkdtempSync(join(tmpdir(), 'millrace-letters-'));
  writeFileSync(join(newer, 's.arrow'), Buffer.concat([Buffer.from('MRL2'), Buffer.alloc(60)]));
  const reading = (async () => {
    for await (const _ of readDeadLetters(newer));
  })();
  await expect(reading).rejects.toThrow(/s\.arrow has format 2; this version reads up to 1/);
  rmSync(newer, { recursive: true });
});
