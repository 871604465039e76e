/** Generations of an index folder: a manifest each, and a file that names the live one. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { faultPoint } from '../../files/fault.ts';
import { IndexError } from '../sparse/errors.ts';
import { acquireLock } from '../sparse/lock.ts';
import { type Format, sealed, unseal, writeAtomically } from './sealed.ts';

export interface Current {
  generation: number;
  /** The generation `rollback` goes back to. */
  previous: number | null;
  /** Of its manifest. */
  id?: string;
}

/** What every kind of manifest has. */
export interface AnyManifest {
  generation: number;
  /** Of its content: numbers begin anew where an index does, so they alone do not tell two apart. */
  id?: string;
  /** The generation that holds the same rows, which this one replaces: tokens go on to name that. */
  same?: GenerationToken;
}

/** What a commit names a generation by. */
export interface GenerationToken {
  readonly generation: number;
  /** Empty in indexes of older versions. */
  readonly id: string;
}

/** A file that a generation needs. */
export interface GenerationFile {
  readonly file: string;
  /** Where the manifest says it. */
  readonly bytes?: number;
  /** Reads it and compares checksums. @throws IndexError 'corrupt', 'missing', 'version' */
  check(path: string): void;
}

export const CURRENT = 'CURRENT';
export const manifestName = (generation: number): string => `manifest.${generation}.json`;

/** Generations whose manifest is in the folder, ascending. */
export function generations(dir: string): number[] {
  return fs
    .readdirSync(dir)
    .map(name => /^manifest\.(\d+)\.json$/.exec(name)?.[1])
    .filter(g => g !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The number of the next segment file. */
export function nextFileNumber(dir: string): number {
  let highest = 0;
  for (const name of fs.readdirSync(dir)) {
    const match = /^segment-(\d+)\./.exec(name);
    if (match !== null) highest = Math.max(highest, Number(match[1]));
  }
  return highest + 1;
}

/** Reads, writes and switches the generations of one kind of index. */
export class Generations<M extends AnyManifest> {
  readonly format: Format;
  /** The files that a manifest needs, each with how it is checked. */
  readonly partsOf: (manifest: M) => GenerationFile[];
  /** Their names. */
  readonly filesOf = (manifest: M): string[] => this.partsOf(manifest).map(part => part.file);
  private readonly defaults: Partial<M>;
  /** Names of files that belong to generations: unused ones are removed. */
  private readonly owned: RegExp;

  /** @param defaults what manifests of older versions do not say */
  constructor(
    format: Format,
    parts: (manifest: M) => GenerationFile[],
    owned: RegExp,
    defaults: Partial<M> = {},
  ) {
    this.format = format;
    this.partsOf = parts;
    this.owned = owned;
    this.defaults = defaults;
  }

  async write(dir: string, manifest: M): Promise<void> {
    const named = { ...manifest, id: this.contentId(dir, manifest) };
    await writeAtomically(path.join(dir, manifestName(manifest.generation)), sealed(this.format, named));
  }

  /** A hash of the manifest and of the ends of its files, where their checksums stand. */
  private contentId(dir: string, manifest: M): string {
    const hash = createHash('sha256').update(JSON.stringify(manifest));
    for (const file of this.filesOf(manifest)) hash.update(tailOf(path.join(dir, file)));
    return hash.digest('hex').slice(0, 16);
  }

  /** What to name a generation by; the live one by default, undefined where there is none. */
  token(dir: string, generation = this.readCurrent(dir)?.generation): GenerationToken | undefined {
    if (generation === undefined) return undefined;
    const { id = '', same } = this.read(dir, generation);
    return same ?? { generation, id };
  }

  /** The number of the generation that a token names. @throws IndexError 'generation' where another has it now */
  named(dir: string, { generation, id }: GenerationToken): number {
    const live = this.readSound(dir)?.generation;
    if (live !== undefined && live > generation) {
      const token = this.token(dir, live);
      if (token?.generation === generation && token.id === id) return live;
    }
    if (this.token(dir, generation)?.id === id) return generation;
    throw new IndexError(
      'generation',
      `${dir}: generation ${generation} is not the one that was prepared; the index was built by something else since`,
      dir,
    );
  }

  read(dir: string, generation: number): M {
    const file = path.join(dir, manifestName(generation));
    const manifest = { ...this.defaults, ...unseal(file, this.format) } as unknown as M;
    if (manifest.generation !== generation) {
      throw new IndexError('corrupt', `${file}: says it is generation ${manifest.generation}`, file);
    }
    return manifest;
  }

  async writeCurrent(dir: string, current: Current): Promise<void> {
    await writeAtomically(path.join(dir, CURRENT), sealed(this.format, current));
  }

  /** A number that no generation has, nor had where CURRENT names one whose manifest is lost. */
  nextNumber(dir: string): number {
    return Math.max(0, ...generations(dir), this.readSound(dir)?.generation ?? 0) + 1;
  }

  /** The live generation; undefined where nothing was ever published there. */
  readCurrent(dir: string): Current | undefined {
    const file = path.join(dir, CURRENT);
    if (!fs.existsSync(file)) return undefined;
    return unseal(file, this.format) as unknown as Current;
  }

  /** The manifest of the live generation, or of a named one. @throws IndexError 'missing', 'generation' */
  find(dir: string, generation?: number): M {
    if (!fs.existsSync(dir))
      throw new IndexError('missing', `${dir}: there is no index here; build one first`, dir);
    const current = this.readCurrent(dir);
    if (generation === undefined) {
      if (current === undefined) {
        throw new IndexError('missing', `${dir}: no index was published here; build one first`, dir);
      }
      return this.read(dir, current.generation);
    }
    try {
      return this.read(dir, generation);
    } catch (error) {
      if (!(error instanceof IndexError) || error.code !== 'missing') throw error;
      throw new IndexError(
        'generation',
        `${dir}: generation ${generation} is not here; the live one is ${current?.generation ?? 'none'}`,
        dir,
      );
    }
  }

  /**
   * Opens what a manifest names. A writer may remove a generation between the look at CURRENT and the opening of its
   * files: then it looks again.
   */
  async opened<T>(
    dir: string,
    generation: number | undefined,
    open: (manifest: M) => T | Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const manifest = this.find(dir, generation);
      try {
        return await open(manifest);
      } catch (error) {
        const moved = generation === undefined && this.readCurrent(dir)?.generation !== manifest.generation;
        if (!(error instanceof IndexError && error.code === 'missing' && moved && attempt < 5)) throw error;
      }
    }
  }

  /** Files that the live, the previous or a prepared generation names, but for `except`. */
  kept(dir: string, except?: number): Set<string> {
    const kept = new Set<string>();
    for (const generation of generations(dir)) {
      if (generation === except) continue;
      try {
        for (const file of this.filesOf(this.read(dir, generation))) kept.add(file);
      } catch {
        // A manifest that cannot be read keeps nothing.
      }
    }
    return kept;
  }

  /** Whether a generation is there whole, as far as names and lengths of its files tell. */
  isWhole(dir: string, generation: number): boolean {
    try {
      return this.partsOf(this.read(dir, generation)).every(({ file, bytes }) => {
        const { size } = fs.statSync(path.join(dir, file));
        return bytes === undefined ? size > 0 : size === bytes;
      });
    } catch {
      return false;
    }
  }

  /** Whether a file of a generation was changed after its manifest was written: then its checksums decide. */
  isChanged(dir: string, generation: number): boolean {
    return this.changedAt(dir, generation) > fs.statSync(path.join(dir, manifestName(generation))).mtimeMs;
  }

  /**
   * Whether a generation is there and nothing of it is damaged. Files no younger than their manifest count as sound; where
   * one is younger, all are read and their checksums compared. That is remembered, by the time of the manifest: a folder
   * that was copied is read once.
   */
  async isSound(dir: string, generation: number): Promise<boolean> {
    if (!this.isWhole(dir, generation)) return false;
    if (!this.isChanged(dir, generation)) return true;
    const seconds = (this.changedAt(dir, generation) + 1) / 1000;
    if ((await this.damageOf(dir, generation)) !== undefined) return false;
    // a folder that cannot be written is read again the next time
    const manifest = path.join(dir, manifestName(generation));
    await fs.promises.utimes(manifest, seconds, seconds).catch(() => undefined);
    return true;
  }

  /** Reads all files of a generation: the first error, or undefined where checksums and lengths are right. */
  async damageOf(dir: string, generation: number): Promise<IndexError | undefined> {
    try {
      for (const part of this.partsOf(this.read(dir, generation))) {
        checkPart(dir, part);
        await new Promise(resolve => setImmediate(resolve));
      }
      return undefined;
    } catch (error) {
      if (error instanceof IndexError) return error;
      throw error;
    }
  }

  private changedAt(dir: string, generation: number): number {
    const files = this.filesOf(this.read(dir, generation));
    return Math.max(0, ...files.map(file => fs.statSync(path.join(dir, file)).mtimeMs));
  }

  /** As `readCurrent`, but a broken CURRENT names no generation: one that was built since takes its place. */
  readSound(dir: string): Current | undefined {
    try {
      return this.readCurrent(dir);
    } catch (error) {
      if (error instanceof IndexError && error.code === 'corrupt') return undefined;
      throw error;
    }
  }

  /** Writes CURRENT and then removes what neither the new generation nor the one before it needs. */
  async switchTo(dir: string, generation: number): Promise<void> {
    const { id } = this.read(dir, generation);
    const current = this.readSound(dir);
    if (current?.generation === generation) return;
    if (current !== undefined && current.generation > generation) {
      throw new IndexError(
        'generation',
        `${dir}: generation ${generation} is older than the live one (${current.generation}); use rollback to go back`,
      );
    }
    // one that differs from the live one in nothing takes its place
    const before =
      current && this.areAlike(dir, current.generation, generation) ? current.previous : current?.generation;
    const previous = await this.goodToGoBackTo(dir, before);
    await this.writeCurrent(dir, { generation, previous, id });
    faultPoint('sink-published');
    this.removeUnused(dir, [generation, previous ?? undefined]);
  }

  /** Whether two generations have the same files, with the same deletes, and say the same of them. */
  private areAlike(dir: string, a: number, b: number): boolean {
    const said = (generation: number): string =>
      JSON.stringify({ ...this.read(dir, generation), generation: 0, id: '', same: undefined, checksum: '' });
    try {
      return said(a) === said(b);
    } catch {
      // a live one that cannot be read is like none
      return false;
    }
  }

  /** Nobody goes back to a damaged generation, so it is not kept. */
  private async goodToGoBackTo(dir: string, generation: number | null | undefined): Promise<number | null> {
    const isGood = typeof generation === 'number' && (await this.isSound(dir, generation));
    return isGood ? generation : null;
  }

  /** Makes a generation that holds the same rows the live one in place of it; the one before both stays the one before. */
  async replaceLive(dir: string, generation: number): Promise<void> {
    const { id } = this.read(dir, generation);
    const previous = await this.goodToGoBackTo(dir, this.readCurrent(dir)?.previous);
    await this.writeCurrent(dir, { generation, previous, id });
    this.removeUnused(dir, [generation, previous ?? undefined]);
  }

  /**
   * Publishes a prepared generation without a writer: what recovery does when a commit record names a generation that
   * the index itself has not switched to, and what follows `handOver` of a writer in this process. Publishing the live
   * generation does nothing.
   */
  async publish(dir: string, generation: number): Promise<void> {
    const lock = acquireLock(dir, generation);
    try {
      await this.switchTo(dir, generation);
    } finally {
      lock.release();
    }
  }

  /**
   * Goes back to the generation before the live one, after a look at all its checksums. Returns the generation that is
   * live now. Throws IndexError 'generation' where there is none to go back to, 'corrupt' where that one is damaged.
   */
  async rollback(dir: string): Promise<number> {
    if (!fs.existsSync(dir)) throw new IndexError('missing', `${dir}: there is no index here`, dir);
    const lock = acquireLock(dir);
    try {
      const current = this.readCurrent(dir);
      if (current === undefined) throw new IndexError('missing', `${dir}: nothing was published here`, dir);
      if (current.previous === null) {
        throw new IndexError(
          'generation',
          `${dir}: generation ${current.generation} has none before it to go back to`,
        );
      }
      const damage = await this.damageOf(dir, current.previous);
      if (damage !== undefined)
        throw new IndexError(
          'corrupt',
          `${dir}: generation ${current.previous}, the one before the live one, is damaged: ${damage.file} is missing or not ` +
            `as it was written; generation ${current.generation} stays live`,
          damage.file,
        );
      const { id } = this.read(dir, current.previous);
      await this.writeCurrent(dir, { generation: current.previous, previous: null, id });
      return current.previous;
    } finally {
      lock.release();
    }
  }

  private removeUnused(dir: string, keep: (number | undefined)[]): void {
    for (const generation of generations(dir)) {
      if (!keep.includes(generation)) fs.rmSync(path.join(dir, manifestName(generation)), { force: true });
    }
    const kept = this.kept(dir);
    for (const name of fs.readdirSync(dir)) {
      if (this.owned.test(name) && !kept.has(name)) fs.rmSync(path.join(dir, name), { force: true });
      if (/\.tmp$/.test(name)) fs.rmSync(path.join(dir, name), { force: true });
    }
  }
}

/** Looks whether a file of a generation is there, as long as its manifest says, and right. @throws IndexError */
export function checkPart(dir: string, { file, bytes, check }: GenerationFile): void {
  const full = path.join(dir, file);
  let size: number;
  try {
    ({ size } = fs.statSync(full));
  } catch {
    throw new IndexError('missing', `${full}: the index names this file, but it is not there`, full);
  }
  if (bytes !== undefined && size !== bytes)
    throw new IndexError('corrupt', `${full}: is ${size} bytes long, the manifest says ${bytes}`, full);
  check(full);
}

/** The last bytes of a file: the table of its sections with their checksums. */
function tailOf(file: string): Uint8Array {
  const fd = fs.openSync(file, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, 4096));
    fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}
