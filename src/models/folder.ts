/** Reads files of a model folder. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ModelError } from './errors.ts';

export type JsonObject = Record<string, unknown>;

/** A JSON file of a folder; undefined where it is absent. @throws ModelError where it is no JSON object */
export async function readConfig(folder: string, file: string): Promise<JsonObject | undefined> {
  const path = join(folder, file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) throw new Error('no object');
    return value as JsonObject;
  } catch (cause) {
    throw new ModelError(`${path}: not valid JSON (${(cause as Error).message})`, { cause });
  }
}

/** A JSON file read at once, for plans; undefined where it is absent or broken: opening the model says so. */
export function jsonOf(...path: string[]): JsonObject | undefined {
  try {
    return JSON.parse(readFileSync(join(...path), 'utf8')) as JsonObject;
  } catch {
    return undefined;
  }
}

export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const inside = (folder: string, path: string): string => relative(folder, path) || path;
