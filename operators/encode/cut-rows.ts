/** Counts texts that were longer than a model takes. */
export class CutRows {
  #cut = 0;
  #rows = 0;

  add(cut: number, rows: number): void {
    this.#cut += cut;
    this.#rows += rows;
  }

  tell(ctx: { warn(message: string): void }, maxTokens: number): void {
    if (this.#cut === 0) return;
    const texts = this.#cut === 1 ? '1 text was' : `${this.#cut} texts were`;
    ctx.warn(`${texts} longer than the model takes (${maxTokens} tokens) and cut, of ${this.#rows}`);
  }
}
