/** What a commit record names a generation of an index by: its number, and an id that no other generation has. */
import type { Json } from '../../src/define/index.ts';
import type { Generations, GenerationToken } from '../../src/retrieval/store/generations.ts';

type Kind = Pick<Generations<never>, 'token' | 'named'>;

/** The token of a generation, or of the live one; of an index that is not there, undefined. */
export const tokenOf = (kind: Kind, dir: string, generation?: number): Json =>
  (kind.token(dir, generation) ?? null) as unknown as Json;

/** The number that the index knows the generation by. @throws IndexError where the index is another one by now */
export const numberOf = (kind: Kind, dir: string, token: Json): number =>
  kind.named(dir, token as unknown as GenerationToken);

/** Whether the index still is the one that the token was made for. */
export function isNamed(kind: Kind, dir: string, token: Json): boolean {
  try {
    return kind.named(dir, token as unknown as GenerationToken) > 0;
  } catch {
    return false;
  }
}
