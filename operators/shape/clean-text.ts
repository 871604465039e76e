import { z } from 'zod';
import { type Column, Utf8Builder, utf8, utf8View } from '../../src/arrow/index.ts';
import { operator } from '../../src/define/index.ts';
import { anyColumns } from './any-column.ts';
import { applied, RULE_TEXT, RULES, type RuleName, rules } from './clean-rules.ts';
import { checkSpans, SpanValues } from './clean-spans.ts';
import { OffsetMap } from './offset-map.ts';

const namesOf = (
  spans: readonly { start: string; end?: string | undefined; text?: string | undefined }[],
): string[] => [...new Set(spans.flatMap(s => [s.start, s.end ?? s.text ?? s.start]))];

export const cleanText = operator({
  name: 'clean.text',
  version: 1,
  shape: 'map',
  rows: 'same',
  summary: 'Cleans texts by named rules, and moves offsets into them along.',
  description: `Rules are applied in the order they are named:

| rule | what it does |
|---|---|
${RULES.map(name => `| \`${name}\` | ${RULE_TEXT[name]} |`).join('\n')}

Offsets into the text would point elsewhere afterwards, so name their columns in \`spans\`: a column of starts with one of
ends, or with one of texts (a question's answers, say), single values or lists. Offsets count UTF-16 code units. The
span of the cleaned text is what is left of the span of the old one, and a text column gets exactly that:
\`text.slice(start, start + answer.length)\` is the answer before and after. A start below 0 means no span; a text that
does not stand at its start is cleaned by itself.`,
  params: z.strictObject({
    column: z.string().default('text').describe('the column of texts'),
    rules: z
      .array(z.enum(RULES))
      .min(1)
      .default(['nfc', 'control', 'lines'])
      .describe('rules, in the order they are applied'),
    spans: z
      .array(
        z.strictObject({
          start: z.string().describe('the column of starts'),
          end: z.string().optional().describe('the column of ends'),
          text: z.string().optional().describe('the column of what stands there, instead of ends'),
        }),
      )
      .default([])
      .describe('columns that point into the text and move along'),
  }),
  check: p => {
    const problems = p.spans.flatMap((s, i) =>
      (s.end === undefined) === (s.text === undefined) ? [`with.spans[${i}]: give either end or text`] : [],
    );
    const names = p.spans.flatMap(s => [s.start, s.end, s.text]).filter(n => n !== undefined);
    const twice = [p.column, ...names].find((name, i, all) => all.indexOf(name) < i);
    if (twice !== undefined) problems.push(`with.spans: column "${twice}" is named twice`);
    return problems;
  },
  reads: p => ({ ...anyColumns(namesOf(p.spans)), [p.column]: utf8() }),
  writes: (p, input) => {
    checkSpans(p.spans, input);
    const moved: [string, Column][] = namesOf(p.spans).map(name => [name, input[name]]);
    return { [p.column]: utf8(), ...Object.fromEntries(moved) };
  },
  examples: [
    {
      title: 'White space and invisible characters',
      with: { rules: ['control', 'whitespace'] },
      in: [{ doc_id: 'a', text: ' Seoul\u200b  is\n\na city. ' }],
      out: [{ doc_id: 'a', text: 'Seoul is a city.' }],
    },
    {
      title: 'Answers move along',
      with: {
        column: 'context',
        rules: ['html-entities', 'whitespace'],
        spans: [{ start: 'starts', text: 'answers' }],
      },
      in: [
        {
          question_id: 'q',
          context: 'R&amp;D  in   Seoul, R&amp;D',
          answers: ['in   Seoul', 'R&amp;D'],
          starts: [9, 21],
        },
      ],
      out: [
        { question_id: 'q', context: 'R&D in Seoul, R&D', answers: ['in Seoul', 'R&D'], starts: [4, 14] },
      ],
    },
  ],
  open: p => {
    const clean = (text: string, map?: OffsetMap): string =>
      p.rules.reduce((out: string, name: RuleName) => {
        const edits = rules[name](out);
        if (!edits) return out;
        map?.add(edits);
        return applied(out, edits);
      }, text);
    return {
      process: batch => {
        const texts = utf8View(batch, p.column);
        const spans = p.spans.map(s => new SpanValues(batch, s));
        const out = new Utf8Builder(texts.length, texts.bytes.length);
        let changed = false;
        for (let row = 0; row < texts.length; row++) {
          const old = texts.get(row);
          const map = spans.length > 0 ? new OffsetMap() : undefined;
          const text = clean(old, map);
          if (text === old) out.pushBytes(texts.bytes, texts.offsets[row], texts.offsets[row + 1]);
          else {
            out.push(text);
            changed = true;
          }
          for (const span of spans)
            span.row(row, old, text, map?.changed ? at => map.move(at) : undefined, clean);
        }
        const columns = Object.assign({}, ...spans.map(s => s.columns()));
        return { columns: { ...columns, [p.column]: changed ? out.finish() : texts.data } };
      },
    };
  },
});
