/** The commands there are. A command's file is loaded when it is called. */
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ command: Command }>;
}

export const commands: readonly CommandEntry[] = [
  { name: 'init', summary: 'start a project on your own file', load: () => import('./commands/init.ts') },
  { name: 'check', summary: 'find the problems of a pipeline', load: () => import('./commands/check.ts') },
  {
    name: 'explain',
    summary: 'say how a pipeline would run',
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'graph',
    summary: 'draw a pipeline (mermaid, dot)',
    load: () => import('./commands/graph.ts'),
  },
  {
    name: 'test',
    summary: 'try a pipeline on a few rows, writing nothing of yours',
    load: () => import('./commands/test.ts'),
  },
  {
    name: 'plan',
    summary: 'say what a run would do, and how long it takes',
    load: () => import('./commands/plan.ts'),
  },
  { name: 'run', summary: 'run a pipeline', load: () => import('./commands/run.ts') },
  {
    name: 'watch',
    summary: 'run a pipeline whenever the files it reads change',
    load: () => import('./commands/watch.ts'),
  },
  { name: 'why', summary: 'say why a row went through', load: () => import('./commands/why.ts') },
  {
    name: 'trace',
    summary: 'lead from a hit to its document and file, and back',
    load: () => import('./commands/trace.ts'),
  },
  {
    name: 'dead-letters',
    summary: 'list, show and run again the rows that were put aside',
    load: () => import('./commands/dead-letters.ts'),
  },
  {
    name: 'state',
    summary: 'say what the state holds, and clear what is not used',
    load: () => import('./commands/state.ts'),
  },
  { name: 'search', summary: 'search an index', load: () => import('./commands/search.ts') },
  {
    name: 'evaluate',
    summary: 'measure a file of hits against questions or qrels',
    load: () => import('./commands/evaluate.ts'),
  },
  {
    name: 'compare',
    summary: 'compare runs: differences, significance, questions won and lost',
    load: () => import('./commands/compare.ts'),
  },
  {
    name: 'tune',
    summary: 'find the parameters of a similarity on a set of questions',
    load: () => import('./commands/tune.ts'),
  },
  {
    name: 'index',
    summary: 'look into an index, verify its files, make it one segment, or go back a generation',
    load: () => import('./commands/index-command.ts'),
  },
  {
    name: 'operators',
    summary: 'list the operators, or explain one',
    load: () => import('./commands/operators.ts'),
  },
  {
    name: 'models',
    summary: 'list, fetch, explain and verify models',
    load: () => import('./commands/models.ts'),
  },
  { name: 'datasets', summary: 'list the datasets by name', load: () => import('./commands/datasets.ts') },
  {
    name: 'schema',
    summary: 'print the JSON Schema of YAML pipelines',
    load: () => import('./commands/schema.ts'),
  },
];
