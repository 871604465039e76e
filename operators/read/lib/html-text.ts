/** The visible text of an HTML page, blocks on lines of their own. */
import { Parser } from 'htmlparser2';

const HIDDEN = new Set(
  'title script style noscript template svg math iframe object canvas audio video select datalist head'.split(
    ' ',
  ),
);
const FURNITURE = new Set(['nav', 'aside', 'footer']);
const BLOCKS = new Set(
  'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
);
// a blank line before and after
const APART = new Set('p h1 h2 h3 h4 h5 h6 blockquote pre table ul ol dl figure article section'.split(' '));

/** What a page holds for a reader. */
export interface PageText {
  /** The title element, else the first h1. */
  readonly title: string | null;
  readonly text: string;
}

/** Gathers text: white space is collapsed, breaks are kept as one newline or two. */
class Lines {
  #out = '';
  #breaks = 0;
  #space = false;
  add(text: string, verbatim: boolean): void {
    if (verbatim) {
      this.#flush();
      this.#out += text;
      return;
    }
    const words = text.replace(/[ \t\r\n\f]+/g, ' ');
    if (words === '') return;
    if (words[0] === ' ') this.#space = true;
    const body = words.trim();
    if (body === '') return;
    this.#flush();
    this.#out += body;
    this.#space = words.endsWith(' ');
  }
  #flush(): void {
    if (this.#out !== '') {
      if (this.#breaks > 0) this.#out = this.#out.trimEnd() + '\n'.repeat(this.#breaks);
      else if (this.#space) this.#out += ' ';
    }
    this.#breaks = 0;
    this.#space = false;
  }
  break(lines: number): void {
    this.#breaks = Math.max(this.#breaks, lines);
  }
  tab(): void {
    this.#flush();
    if (this.#out !== '' && !/[\n\t]$/.test(this.#out)) this.#out += '\t';
  }
  toString(): string {
    return this.#out.trim();
  }
}

/** Reads a page. `furniture` keeps nav, aside and footer as well. Broken markup is read as browsers do, more or less. */
export function pageText(html: string, furniture = false): PageText {
  const lines = new Lines();
  let title = '';
  let heading = '';
  let hidden = 0;
  let pre = 0;
  let inTitle = false;
  let inHeading = false;
  let headingDone = false;
  const hides = (name: string): boolean => HIDDEN.has(name) || (!furniture && FURNITURE.has(name));
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === 'title' && title === '') inTitle = true;
      if (name === 'body') hidden = 0;
      if (hides(name) || hidden > 0) {
        if (hides(name)) hidden++;
        return;
      }
      if (name === 'br') lines.break(1);
      else if (BLOCKS.has(name)) lines.break(APART.has(name) ? 2 : 1);
      else if (name === 'td' || name === 'th') lines.tab();
      else if (name === 'img' && attributes.alt) lines.add(` ${attributes.alt} `, false);
      if (name === 'pre' || name === 'textarea') pre++;
      if (name === 'h1' && !headingDone) inHeading = true;
    },
    ontext(text) {
      if (inTitle) title += text;
      if (hidden > 0) return;
      if (inHeading) heading += text;
      lines.add(text, pre > 0);
    },
    onclosetag(name) {
      if (name === 'title') inTitle = false;
      if (hides(name) && hidden > 0) {
        hidden--;
        return;
      }
      if (hidden > 0) return;
      if (BLOCKS.has(name)) lines.break(APART.has(name) ? 2 : 1);
      if ((name === 'pre' || name === 'textarea') && pre > 0) pre--;
      if (name === 'h1' && inHeading) {
        inHeading = false;
        headingDone = true;
      }
    },
  });
  parser.end(html);
  const collapsed = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return { title: collapsed(title) || collapsed(heading) || null, text: lines.toString() };
}

/** The text of HTML bytes: UTF-8, else the charset the page names. @throws Error where neither fits. */
export function htmlSource(bytes: Uint8Array, valid: boolean): string {
  if (valid) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const head = Buffer.from(bytes.subarray(0, 2048)).toString('latin1');
  const charset = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1];
  if (!charset) throw new Error('not valid UTF-8, and the page names no charset');
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch {
    throw new Error(`not valid UTF-8, and its charset "${charset}" is not known`);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Error(`neither valid UTF-8 nor the ${charset} the page names`);
  }
}
