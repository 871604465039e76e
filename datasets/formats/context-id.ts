import { createHash } from 'node:crypto';

/**
 * The name of a context: the first 16 hex digits of the SHA-256 of its UTF-8 text. The same text has the same
 * name wherever it is read, so a question finds its gold and equal contexts are one document.
 */
export function contextId(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);
}
