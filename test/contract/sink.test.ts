/** The rule for sinks that take changes: one that keeps it passes, and each way to break it is caught. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { rowsOf, utf8 } from '../../src/arrow/index.ts';
import { type AnyOperator, operator } from '../../src/define/index.ts';
import { sinkTakesChanges } from '../../src/testing/rule-sink.ts';

type Table = Record<string, unknown>;
/** What a broken one does wrong. */
type Fault = 'deletes' | 'has' | 'early' | 'abort' | 'keep' | 'from' | 'damage' | 'again' | 'number' | 'none';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
function read(path: string, isChecked: boolean): Table | undefined {
  if (!existsSync(path)) return undefined;
  const [sum, text] = readFileSync(path, 'utf8').split('\n');
  if (isChecked && sum !== sha(text ?? '')) return undefined;
  return JSON.parse(text) as Table;
}
const write = (path: string, rows: Table): void => {
  const text = JSON.stringify(Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1))));
  writeFileSync(path, `${sha(text)}\n${text}`);
};

/** A table in a file `path`, new ones in `path.NUMBER`. */
const tableSink = (fault: Fault): AnyOperator =>
  operator({
    name: 'test.table',
    version: 1,
    shape: 'sink',
    summary: 'A table.',
    changes: true,
    params: z.strictObject({ path: z.string().describe('where') }),
    reads: () => ({ doc_id: utf8() }),
    examples: [
      {
        title: 'Two rows',
        with: { path: 't' },
        in: [
          { doc_id: 'a', text: 'one' },
          { doc_id: 'b', text: 'two' },
        ],
      },
    ],
    current: (p, ctx) => {
      const path = ctx.path(p.path);
      return read(path, fault !== 'damage') && sha(readFileSync(path, 'utf8'));
    },
    readBack: (p, ctx) => read(ctx.path(p.path), false),
    resumes: (p, token, ctx) => existsSync(`${ctx.path(p.path)}.${token}`),
    publish: (p, token, ctx) => {
      const from = `${ctx.path(p.path)}.${token}`;
      if (!existsSync(from) && fault !== 'again') return;
      writeFileSync(ctx.path(p.path), readFileSync(from));
      for (const name of readdirSync(dirname(from)))
        if (name.startsWith(`${basename(ctx.path(p.path))}.`)) rmSync(join(dirname(from), name));
    },
    open: (p, ctx) => {
      const path = ctx.path(p.path);
      const base = ctx.from === undefined || fault === 'from' ? path : `${path}.${ctx.from}`;
      const rows: Table = ctx.full ? {} : { ...read(base, true) };
      let kept: string | undefined;
      const made: string[] = [];
      return {
        write: ({ deletes, upserts }) => {
          if (fault !== 'deletes')
            for (const row of deletes ? rowsOf(deletes) : []) delete rows[String(row.doc_id)];
          for (const row of upserts ? rowsOf(upserts) : []) rows[String(row.doc_id)] = row;
        },
        has: keys =>
          Uint8Array.from(rowsOf(keys), row => (fault === 'has' || String(row.doc_id) in rows ? 1 : 0)),
        prepare: () => {
          const scratch = `${path}.new`;
          write(scratch, rows);
          const token = sha(readFileSync(scratch, 'utf8'));
          writeFileSync(`${path}.${token}`, readFileSync(scratch));
          rmSync(scratch);
          if (fault === 'early') write(path, rows);
          made.push(`${path}.${token}`);
          return { token: fault === 'number' ? 1 : token };
        },
        keep: token => {
          kept = `${path}.${token}`;
        },
        abort: () => {
          if (fault === 'abort') return;
          for (const file of made) if (file !== kept || fault === 'keep') rmSync(file, { force: true });
        },
      };
    },
  }) as AnyOperator;

const faults: [Fault, string | undefined][] = [
  ['none', undefined],
  ['deletes', 'has() is wrong about row'],
  ['has', 'has() is wrong about row'],
  ['early', 'abort after prepare changes what is seen'],
  ['abort', 'abort after prepare changes its files'],
  ['keep', 'resumes() is false of a token that was kept'],
  ['from', 'opened from a token that was kept, it does not show those changes'],
  ['damage', ''],
  ['again', 'ENOENT'],
  ['number', ''],
];
test.each(faults)('a sink that breaks %s is caught', async (fault, said) => {
  const problems = await sinkTakesChanges.check({ op: tableSink(fault), operators: [] });
  if (said === undefined) expect(problems).toEqual([]);
  else expect(problems.join('\n')).toMatch(said === '' ? /.+/ : new RegExp(said.replace(/[()]/g, '\\$&')));
});

test('a sink that takes changes and cannot be read back is told so', async () => {
  const op = { ...tableSink('none'), readBack: undefined } as unknown as AnyOperator;
  expect(await sinkTakesChanges.check({ op, operators: [] })).toEqual([
    'takes changes and does not declare readBack and current, so nothing can be held against a full build',
  ]);
});
