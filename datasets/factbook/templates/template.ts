/**
 * What the derived questions ask: a field of the World Factbook, ways to ask for it, and how its answer is cut
 * out of the field's text. `{C}` is the country ("the Netherlands"), `{A}` its adjective ("Dutch"), `{X}`
 * what `take` names beside the answer.
 */

export interface Taken {
  /** Strings as they stand in the document. */
  answers: string[];
  /** What `{X}` stands for in the question. */
  about?: string;
}

export interface Template {
  id: string;
  section: string;
  field: string;
  /** The labelled part of the field; its own text if absent. */
  part?: string;
  ask: readonly string[];
  /** The answer in a clean value, or nothing where the value does not hold one. */
  take(value: string): Taken | undefined;
  /**
   * Another section of the country that may answer too: it does where `mark` (made from an answer) occurs in
   * its text. An alias is the answer as it stands there.
   */
  also?: { section: string; mark(answer: string): RegExp; alias?(answer: string): string };
}

export const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The first match of a pattern's group, as the only answer. */
export const match =
  (pattern: RegExp) =>
  (value: string): Taken | undefined => {
    const found = pattern.exec(value)?.[1]?.trim();
    return found ? { answers: [found] } : undefined;
  };

/** A figure that says something: not zero, not NA. */
export const figure = (pattern: RegExp) => (value: string) => {
  const taken = match(pattern)(value);
  return taken && /[1-9]/.test(taken.answers[0] ?? '') ? taken : undefined;
};

/** An item of a list that a pattern finds, with the item's name as `{X}` and its figure as the answer. */
export const listed =
  (pattern: RegExp, at: number) =>
  (value: string): Taken | undefined => {
    const item = [...value.matchAll(pattern)][at];
    return item?.[1] && item[2] ? { answers: [item[2].trim()], about: item[1].trim() } : undefined;
  };

export const AMOUNT = /^(\$?[\d.,]+(?: (?:million|billion|trillion))?(?: (?:kWh|cu m|bbl\/day|km|sq km))?)/;
export const PERCENT = /^([\d.]+%)/;
