import { boosted, type Clause, emptyGroup, type GroupClause } from './ast.ts';

/** What the parser needs of an index. */
export interface ParseContext {
  /** The terms of a text. */
  terms(text: string): string[];
  /** Whether `name:` in front of a word names a text field. */
  isField(name: string): boolean;
}

/** Every text as a bag of its terms, in `field` or all text. */
export function plainQuery(text: string, context: ParseContext, field?: string): GroupClause {
  const group = emptyGroup();
  for (const word of context.terms(text)) group.should.push({ kind: 'term', word, field, boost: 1 });
  return group;
}

/**
 * The query language. Every text parses: a sign that has no meaning where it stands is part of the text.
 *
 *   word            counts where it occurs           "two words"   next to each other, in this order
 *   +word           must occur                       -word         must not
 *   title:word      in this field only               word^2        counts twice
 *   ( … )           a group, with + - field: before and ^ behind it
 *
 * A sign works only right before a word, a quote or a parenthesis and behind a space or an opening
 * parenthesis; `name:` only where there is such a field and no space follows; a quote or a parenthesis only
 * where it is closed. A word of several terms (well-known) behind + must have all of them.
 */
export function parseQuery(text: string, context: ParseContext, field?: string): GroupClause {
  return new Parser(text, context).group(0, text.length, field);
}

type Occur = 'must' | 'should' | 'not';

const SPACE = /\s/u;
const BOOST = /^\^(\d+(?:\.\d+)?|\.\d+)(?=[\s)]|$)/u;
const FIELD = /^([\p{L}\p{N}_][\p{L}\p{N}_.-]*):(?=\S)/u;

class Parser {
  private readonly text: string;
  private readonly context: ParseContext;
  /** Where the parenthesis that opens at a place closes. */
  private readonly closing: Map<number, number>;

  constructor(text: string, context: ParseContext) {
    this.text = text;
    this.context = context;
    this.closing = matchParentheses(text);
  }

  /** The clauses of text[from..to), in `field` where they name none. */
  group(from: number, to: number, field: string | undefined): GroupClause {
    const group = emptyGroup();
    let at = from;
    while (at < to) {
      if (SPACE.test(this.text[at])) at++;
      else at = this.clause(at, to, field, group);
    }
    return group;
  }

  /** Reads one clause into `into`; returns where it ends. */
  private clause(start: number, to: number, outer: string | undefined, into: GroupClause): number {
    const { text } = this;
    let at = start;
    let occur: Occur = 'should';
    const sign = text[at];
    if ((sign === '+' || sign === '-') && at + 1 < to && !/[\s+-]/u.test(text[at + 1])) {
      occur = sign === '+' ? 'must' : 'not';
      at++;
    }
    let field = outer;
    const named = FIELD.exec(text.slice(at, to));
    if (named !== null && this.context.isField(named[1])) {
      field = named[1];
      at += named[0].length;
    }
    if (text[at] === '"') {
      const end = text.indexOf('"', at + 1);
      if (end > 0 && end < to) {
        const words = this.context.terms(text.slice(at + 1, end));
        return this.put(
          words.length > 1 ? { kind: 'phrase', words, field, boost: 1 } : words,
          field,
          occur,
          end + 1,
          into,
        );
      }
    }
    const close = text[at] === '(' ? this.closing.get(at) : undefined;
    if (close !== undefined && close < to) {
      return this.put(this.group(at + 1, close, field), field, occur, close + 1, into);
    }
    let end = at;
    while (end < to && !SPACE.test(text[end])) {
      // A boost ends a word; a closing parenthesis of an outer group is outside of [.., to).
      if (end > at && text[end] === '^' && BOOST.test(text.slice(end, to))) break;
      end++;
    }
    return this.put(this.context.terms(text.slice(at, end)), field, occur, end, into);
  }

  /** Adds a phrase, a group or a word's terms, with the boost that follows; returns where that ends. */
  private put(
    what: Clause | string[],
    field: string | undefined,
    occur: Occur,
    end: number,
    into: GroupClause,
  ): number {
    const boost = BOOST.exec(this.text.slice(end));
    const factor = boost === null ? 1 : Number(boost[1]);
    const after = end + (boost === null ? 0 : boost[0].length);
    const clauses: Clause[] = Array.isArray(what)
      ? what.map(word => ({ kind: 'term', word, field, boost: 1 }))
      : isEmpty(what)
        ? []
        : [what];
    if (clauses.length === 0) return after;
    if (occur === 'should' && Array.isArray(what)) into.should.push(...clauses.map(c => boosted(c, factor)));
    else if (clauses.length === 1) into[occur].push(boosted(clauses[0], factor));
    else into[occur].push(boosted({ ...emptyGroup(), must: clauses }, factor));
    return after;
  }
}

const isEmpty = (clause: Clause): boolean =>
  clause.kind === 'group' && clause.must.length + clause.should.length + clause.not.length === 0;

/** Parentheses that stand where a clause can begin and are closed, quoted text left out. */
function matchParentheses(text: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"' && begins(text, at)) {
      const end = text.indexOf('"', at + 1);
      if (end > 0) at = end;
    } else if (text[at] === '(') open.push(at);
    else if (text[at] === ')') {
      const from = open.pop();
      if (from !== undefined && begins(text, from)) closing.set(from, at);
    }
  }
  return closing;
}

/** Whether a clause can begin here: behind a space, a parenthesis, a sign or a field's colon. */
const begins = (text: string, at: number): boolean => at === 0 || /[\s(+:-]/u.test(text[at - 1]);
