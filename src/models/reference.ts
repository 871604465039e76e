/** Names of models: an embedded one, a hub repository, a folder. */
import { ModelError } from './errors.ts';

export type ModelReference =
  | { readonly kind: 'embedded'; readonly name: string }
  | { readonly kind: 'hub'; readonly repo: string; readonly revision: string; readonly file?: string }
  | { readonly kind: 'folder'; readonly path: string; readonly file?: string };

const HUB = /^hf:([\w.-]+\/[\w.-]+)(?:@([^:\s]+))?(?::(.+))?$/;

/**
 * Reads a model name: `default` or another embedded model's name, `hf:ORG/NAME[@REVISION][:FILE]`, or a path to a folder
 * or to an .onnx file in it.
 * @throws ModelError where it begins with hf: and is none
 */
export function parseReference(text: string, embedded: readonly string[] = ['default']): ModelReference {
  if (embedded.includes(text)) return { kind: 'embedded', name: text };
  if (text.startsWith('hf:')) {
    const found = HUB.exec(text);
    const file = found?.[3];
    if (!found || found[1].includes('..') || file?.split('/').includes('..')) {
      throw new ModelError(`model "${text}": not a hub name`, {
        help: 'write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:ORG/NAME@REVISION:onnx/model.onnx',
      });
    }
    return { kind: 'hub', repo: found[1], revision: found[2] ?? 'main', file };
  }
  if (text.endsWith('.onnx')) {
    const at = Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\'));
    const folder = at < 0 ? '.' : text.slice(0, at);
    // exports keep the model in onnx/ and its configs one folder up
    const inOnnx = /(^|[\\/])onnx$/.test(folder);
    const path = inOnnx ? folder.slice(0, -'onnx'.length).replace(/[\\/]$/, '') || '.' : folder;
    return { kind: 'folder', path, file: `${inOnnx ? 'onnx/' : ''}${text.slice(at + 1)}` };
  }
  return { kind: 'folder', path: text };
}

/**
 * What a model itself is called, by which its family is known: the repository of a hub name, the last folder of a path.
 * The folders above it are the user's, and say nothing.
 */
export function ownName(text: string): string {
  const hub = HUB.exec(text);
  if (hub) return hub[1];
  const parts = text.split(/[\\/]/).filter(part => part !== '' && !part.endsWith('.onnx'));
  // in caches a model lies under its commit
  while (parts.length > 1 && /^(?:[0-9a-f]{40}|snapshots|onnx)$/.test(parts.at(-1) as string)) parts.pop();
  return (parts.at(-1) ?? text).replace(/^models--/, '').replace('--', '/');
}
