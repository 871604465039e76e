import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { folderWith, jsonOf, millrace, STACK, spawned } from './millrace.ts';

const here = folderWith();

describe('help', () => {
  it('lists every command', async () => {
    const { code, stdout, stderr } = await millrace(here, '--help');
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const { name, summary } of commands)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20).replace(/[()]/g, '.')}`, 'm'));
  });

  it('says of every command what it takes, with an example', async () => {
    for (const { name } of commands) {
      const { code, stdout, stderr } = await millrace(here, name, '--help');
      expect([name, code, stderr]).toEqual([name, 0, '']);
      expect(stdout).toContain(`millrace ${name}`);
      expect(stdout).toContain('Examples:');
      expect(stdout).toContain('--json');
    }
  });

  it('prints the version of the package', async () => {
    const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
    expect(await spawned(here, '--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('is what a call without a command gets, as an error', async () => {
    const { code, stdout, stderr } = await millrace(here);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('usage: millrace COMMAND');
  });
});

describe('a command that is wrong', () => {
  it.each([
    [['chekc', 'x'], 'no command is named "chekc"', 'did you mean "check"?'],
    [['run', 'x', '--limti', '3'], 'run: has no option --limti', 'did you mean --limit?'],
    [['run'], 'run: PIPELINE is missing', 'usage: millrace run <pipeline>'],
    [['run', 'x', '--limit', 'many'], 'run: --limit is many, wanted a whole number from 1', ''],
    [['check', 'x', 'y'], 'check: does not know what to do with "y"', ''],
    [['graph', 'x', '--format', 'dott'], 'graph: format is "dott"', 'did you mean "dot"?'],
    [['check', 'nosuch'], 'there is no pipeline "nosuch"', ''],
    [['check', 'no/such.yaml'], 'there is no file', ''],
    [['operators', 'read.jsnl'], 'no operator is named "read.jsnl"', 'did you mean "read.jsonl"?'],
    [['datasets', 'factbok'], 'no dataset "factbok"', 'Did you mean "factbook"?'],
    [['search', 'indexes/x'], 'search: QUERY is missing', ''],
    [['search', 'indexes/x', 'word', '--similarity', 'bm26'], '--similarity', 'bm25'],
  ])('%j is told with exit code 2 and no stack', async (args, message, help) => {
    const { code, stdout, stderr } = await millrace(here, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(help);
    expect(stderr).not.toMatch(STACK);
  });

  it('is one JSON document with --json, and has a stack with --debug', async () => {
    const outcome = await spawned(here, 'check', 'nosuch', '--json', '--debug');
    expect(outcome.code).toBe(2);
    expect(jsonOf(outcome)).toMatchObject({ status: 'failed', error: { message: /no pipeline "nosuch"/ } });
    expect(outcome.stderr).toMatch(STACK);
  });
});
