// The import arrows of ARCHITECTURE.md, held by the lint: define ← plan ← run ← cli.
const only = (name, from, allowed, comment) => ({
  name, severity: 'error', comment,
  from: { path: from },
  to: { path: '^(src|operators|datasets|pipelines)/', pathNot: [from, ...allowed] },
});
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    only('wasm-is-a-leaf', '^src/wasm/', [], 'src/wasm assembles code and knows nothing else'),
    only('arrow', '^src/arrow/', ['^src/wasm/'], 'src/arrow builds, reads and hashes columns and knows nothing else'),
    only('files-is-a-leaf', '^src/files/', [], 'src/files locks and writes files and knows nothing else'),
    only('define', '^src/define/', ['^src/arrow/'], 'define knows columns only'),
    only('plan', '^src/plan/', ['^src/(arrow|define|state)/'], 'plan reads definitions and state'),
    only('state', '^src/state/', ['^src/(arrow|define|files)/'], 'state knows columns and definitions'),
    only('events', '^src/events/', ['^src/(arrow|define)/'], 'events carry packets and numbers'),
    only('run', '^src/run/', ['^src/(arrow|define|plan|state|events)/'], 'run moves data by a plan'),
    only('retrieval', '^src/retrieval/', ['^src/(files|wasm)/'], 'retrieval is a library of its own'),
    only('models', '^src/models/', [], 'models is a library of its own'),
    only('metrics', '^src/metrics/', [], 'metrics is a library of its own'),
    only('operators', '^operators/', ['^src/(arrow|define|retrieval|models|metrics|state|events)/', '^datasets/'], 'operators glue the engine contracts to the libraries'),
    only('datasets', '^datasets/', ['^src/(arrow|define)/'], 'descriptors are data'),
    {
      name: 'registry', severity: 'error', comment: 'the registry is read by the public API and the command line only',
      from: { pathNot: ['^src/api\\.ts$', '^src/cli/', '^operators/index\\.ts$', '^src/testing/'] },
      to: { path: '^operators/index\\.ts$' },
    },
    {
      name: 'rxjs-in-events', severity: 'error', comment: 'RxJS at the edges: src/events only',
      from: { path: '^(src|operators)/', pathNot: ['^src/events/', '^operators/rx/'] },
      to: { path: 'node_modules/rxjs' },
    },
    { name: 'cli-is-last', severity: 'error', from: { pathNot: '^src/cli/' }, to: { path: '^src/cli/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
