/** The rule about closing: every instance that opened closes, after success, after failure and unused. */
import { type AnyOperator, asEngine, type Closable } from '../define/index.ts';
import { TestFolder } from './context.ts';
import { prepareExample } from './examples.ts';
import { exampleInputs } from './generic.ts';
import { inspectOperator } from './operator.ts';
import { onExamples, type Rule } from './rule.ts';

/** The operator with a count of what was opened and closed; `fail` lets its work fail after the first call. */
function counted(
  op: AnyOperator,
  fail: boolean,
): { op: AnyOperator; counts: { opened: number; closed: number } } {
  const counts = { opened: 0, closed: 0 };
  const engineOp = asEngine(op);
  const open = async (...given: unknown[]): Promise<Closable> => {
    const instance = (await (engineOp.open as (...all: unknown[]) => unknown)(...given)) as Closable &
      Record<string, unknown>;
    counts.opened++;
    return new Proxy(instance, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'close')
          return async () => {
            counts.closed++;
            await target.close?.();
          };
        if (fail && WORK.has(name) && typeof value === 'function')
          return async (...all: unknown[]) => {
            await value.apply(target, all);
            throw new Error('a failure on purpose');
          };
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { op: { ...op, open } as unknown as AnyOperator, counts };
}

const WORK = new Set<string | symbol>(['process', 'write']);

export const closesAlways: Rule = {
  name: 'close is always called, and works',
  check: tested => {
    const { op, operators } = tested;
    const { shape } = asEngine(op);
    if (shape === 'source' || shape === 'rx') return [];
    return onExamples(tested, async example => {
      const problems: string[] = [];
      for (const fail of [false, true]) {
        const folder = await TestFolder.make(undefined, example.files);
        try {
          await prepareExample(example, operators, folder.root);
          const { op: wrapped, counts } = counted(op, fail);
          const error = await inspectOperator(wrapped, {
            with: example.with,
            inputs: exampleInputs(example),
            root: folder.root,
          }).then(
            () => undefined,
            (e: unknown) => e as Error,
          );
          if (error && !(fail && error.message === 'a failure on purpose'))
            problems.push(`${fail ? 'closing after a failure' : 'running'} fails: ${error.message}`);
          if (counts.opened !== counts.closed)
            problems.push(`opened ${counts.opened} times and closed ${counts.closed} times`);
          if (fail) {
            // what was left behind must not stand in the way of the next run
            await inspectOperator(op, {
              with: example.with,
              inputs: exampleInputs(example),
              root: folder.root,
            });
          }
        } finally {
          await folder.remove();
        }
      }
      return problems;
    });
  },
};
