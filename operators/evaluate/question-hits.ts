/** Gathers the hits of a question, which come in neighbouring rows, and gives each question once. */
import type { JudgedQuestion } from '../../src/metrics/index.ts';

interface Gathered {
  readonly docIds: string[];
  readonly unitIds?: string[];
  readonly texts?: string[];
  readonly scores?: number[];
}

export class QuestionHits {
  readonly #give: (question: JudgedQuestion) => void;
  #open: (JudgedQuestion & { hits: Gathered }) | undefined;
  /** Questions with hits, so that one that lost some of its hits on the way is not counted as one without. */
  readonly #seen = new Set<string>();
  readonly #without = new Map<string, { gold?: string[]; answers?: string[] }>();

  constructor(give: (question: JudgedQuestion) => void) {
    this.#give = give;
  }

  add(questionId: string, gold: string[] | undefined, answers: string[] | undefined, hits: Gathered): void {
    const open = this.#open;
    if (open?.questionId === questionId) {
      open.hits.docIds.push(...hits.docIds);
      open.hits.unitIds?.push(...(hits.unitIds ?? []));
      open.hits.texts?.push(...(hits.texts ?? []));
      open.hits.scores?.push(...(hits.scores ?? []));
      return;
    }
    this.#flush();
    this.#seen.add(questionId);
    this.#open = { questionId, goldDocIds: gold, answers, hits };
  }

  /** A question that had no hits, or a hit of it that went missing: which of the two is known at the end. */
  without(questionId: string, gold: string[] | undefined, answers: string[] | undefined): void {
    if (!this.#seen.has(questionId)) this.#without.set(questionId, { gold, answers });
  }

  end(): void {
    this.#flush();
    for (const [questionId, { gold, answers }] of this.#without) {
      if (!this.#seen.has(questionId))
        this.#give({ questionId, goldDocIds: gold, answers, hits: { docIds: [] } });
    }
  }

  #flush(): void {
    if (this.#open) this.#give(this.#open);
    this.#open = undefined;
  }
}
