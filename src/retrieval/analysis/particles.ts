/** Korean particles and question words, and cutting particles off runs of syllables. */

/**
 * Particles (josa) and forms of the copula that stick to nouns, alone and in the combinations that are common
 * in written Korean. Verb endings are not among them: cutting them as well gained nothing on KorQuAD.
 */
export const PARTICLES: readonly string[] =
  '은 는 이 가 을 를 의 에 로 와 과 도 만 란 나 며 고 들 에서 에게 한테 으로 까지 부터 보다 처럼 조차 마저 밖에 이나 이며 이고 이란 이다 였다 이었다 에는 에도 에의 에서는 에서의 에서도 에게는 에게서 으로는 으로의 으로도 으로써 으로서 로서 로써 와의 과의 와는 과는 까지의 까지는 들의 들이 들을 들은 들에게 만이 만을 이라고 라고 이라는 라는'.split(
    ' ',
  );

/** Words that questions ask with: who, what, where, when, which, how, how many, why. */
export const QUESTION_WORDS: readonly string[] = '무엇 누구 어디 언제 어느 어떤 몇 얼마 왜 무슨 어떻게'.split(
  ' ',
);

interface Node {
  next: Map<number, Node>;
  end: boolean;
}

/** Suffixes of three-byte syllables, looked up from the end of a run without making a string. */
export class SuffixTrie {
  private readonly root: Node = { next: new Map(), end: false };

  constructor(suffixes: readonly string[]) {
    const encoder = new TextEncoder();
    for (const suffix of suffixes) {
      const bytes = encoder.encode(suffix);
      let node = this.root;
      for (let at = bytes.length - 3; at >= 0; at -= 3) {
        const code = syllable(bytes, at);
        let next = node.next.get(code);
        if (next === undefined) {
          next = { next: new Map(), end: false };
          node.next.set(code, next);
        }
        node = next;
      }
      node.end = true;
    }
  }

  /** How many of a run's syllables are left without the longest suffix that leaves at least two. */
  strip(bytes: Uint8Array, syllables: number): number {
    let node = this.root;
    let left = syllables;
    for (let n = syllables - 1; n >= 2; n--) {
      const next = node.next.get(syllable(bytes, n * 3));
      if (next === undefined) break;
      node = next;
      if (node.end) left = n;
    }
    return left;
  }
}

const syllable = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];

let trie: SuffixTrie | undefined;
export function particleTrie(): SuffixTrie {
  trie ??= new SuffixTrie(PARTICLES);
  return trie;
}
