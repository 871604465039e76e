import { appendFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { brokenSeal, isSealed, seal, unseal } from '../../src/state/seal.ts';

function inFolder(use: (file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-seal-'));
  const file = join(folder, 'store');
  writeFileSync(file, 'what a store holds');
  try {
    use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const change = (file: string, by: Record<string, unknown>): void =>
  writeFileSync(
    `${file}.seal`,
    JSON.stringify({ ...JSON.parse(readFileSync(`${file}.seal`, 'utf8')), ...by }),
  );

it('finds what was changed, cut off or is missing', () =>
  inFolder(file => {
    expect(brokenSeal(file)).toBeUndefined();
    seal(file);
    expect(isSealed(file)).toBe(true);
    expect(brokenSeal(file)).toBeUndefined();
    // at once after, and of the same length
    writeFileSync(file, 'what a store hOlds');
    expect(brokenSeal(file)).toBe('its checksum does not hold');
    writeFileSync(file, 'what a store');
    expect(brokenSeal(file)).toBe('it has 12 bytes, wanted 18');
    rmSync(file);
    expect(brokenSeal(file)).toBe('it is missing');
  }));

it('while it is written its size is all that counts, and it may grow', () =>
  inFolder(file => {
    seal(file);
    unseal(file);
    expect(isSealed(file)).toBe(false);
    appendFileSync(file, ' and more');
    expect(brokenSeal(file)).toBeUndefined();
    writeFileSync(file, 'what');
    expect(brokenSeal(file)).toBe('it has 4 bytes, wanted 18');
  }));

it('is not read again where it was sealed a moment ago and nobody touched it', () =>
  inFolder(file => {
    const wrong = { crc: 1 };
    seal(file);
    change(file, wrong);
    // whoever reads it would see
    expect(brokenSeal(file)).toBeUndefined();
    for (const minutes of [11, -1]) {
      change(file, { at: Date.now() - minutes * 60_000 });
      expect(brokenSeal(file)).toBe('its checksum does not hold');
    }
    change(file, { at: Date.now() });
    expect(brokenSeal(file)).toBeUndefined();
    utimesSync(file, new Date(), new Date());
    expect(brokenSeal(file)).toBe('its checksum does not hold');
    seal(file);
    expect(brokenSeal(file)).toBeUndefined();
    // one of an older version has no times
    change(file, { ...wrong, at: undefined, times: undefined });
    expect(brokenSeal(file)).toBe('its checksum does not hold');
  }));
