/** Reads files of a model folder. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
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

/** ONNX files of a folder and its `onnx` folder, relative to it. */
export async function onnxFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const sub of ['', 'onnx']) {
    const path = join(folder, sub);
    if (!existsSync(path)) continue;
    for (const name of (await readdir(path)).sort()) {
      if (name.endsWith('.onnx')) found.push(join(sub, name));
    }
  }
  return found;
}

const PREFERRED = [join('onnx', 'model.onnx'), 'model.onnx'];

/**
 * The ONNX file of a folder: the one named, else model.onnx, else the only one.
 * @throws ModelError that lists the files there are
 */
export async function onnxFileOf(folder: string, wanted?: string): Promise<string> {
  if (wanted !== undefined) {
    for (const path of [join(folder, wanted), join(folder, 'onnx', wanted)])
      if (existsSync(path)) return path;
  }
  const files = await onnxFiles(folder);
  const listed = files.length > 0 ? `ONNX files there: ${files.join(', ')}` : 'no ONNX file is there';
  if (wanted !== undefined) throw new ModelError(`${folder}: has no file "${wanted}"`, { help: listed });
  const chosen = PREFERRED.find(file => files.includes(file)) ?? (files.length === 1 ? files[0] : undefined);
  if (chosen !== undefined) return join(folder, chosen);
  if (files.length > 1) {
    throw new ModelError(`${folder}: has ${files.length} ONNX files, and none is model.onnx`, {
      help: `name one of: ${files.join(', ')}`,
    });
  }
  throw new ModelError(`${folder}: no ONNX file`, {
    help: 'export the model: optimum-cli export onnx --model NAME FOLDER; many models on the hub have one in their onnx folder',
  });
}

export const inside = (folder: string, path: string): string => relative(folder, path) || path;
