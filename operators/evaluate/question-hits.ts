/** Gathers the hits of a question, which come in neighbouring rows, and gives each question once. */
import { UserError } from '../../src/define/index.ts';
import type { JudgedQuestion } from '../../src/metrics/index.ts';

export interface Gathered {
  readonly docIds: string[];
  readonly unitIds?: string[];
  readonly texts?: string[];
  readonly scores?: number[];
}

function twoQuestions(questionId: string): never {
  throw new UserError(`question_id ${JSON.stringify(questionId)} is that of two questions`, {
    help: 'give each question an id of its own: their hits cannot be told apart',
  });
}

export class QuestionHits {
  readonly #give: (question: JudgedQuestion) => void;
  #open: (JudgedQuestion & { hits: Gathered }) | undefined;
  /** Questions with hits, so that one that lost some of its hits on the way is not counted as one without. */
  readonly #seen = new Set<string>();
  /** Ranks of the open question: one that comes twice is another question's of the same id. */
  #ranks = new Set<number>();
  readonly #without = new Map<string, { gold?: string[]; answers?: string[] }>();

  constructor(give: (question: JudgedQuestion) => void) {
    this.#give = give;
  }

  /**
   * @param ranks of the hits
   * @throws UserError where a question comes again, or a rank of it: two questions have one id
   */
  add(
    questionId: string,
    gold: string[] | undefined,
    answers: string[] | undefined,
    hits: Gathered,
    ranks: Iterable<number>,
  ): void {
    const open = this.#open;
    const goesOn = open?.questionId === questionId;
    if (!goesOn) {
      if (this.#seen.has(questionId)) twoQuestions(questionId);
      this.#ranks.clear();
    }
    for (const rank of ranks) {
      if (this.#ranks.has(rank)) twoQuestions(questionId);
      this.#ranks.add(rank);
    }
    if (goesOn && open) {
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
