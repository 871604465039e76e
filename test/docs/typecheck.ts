/** Type-checks TypeScript that stands in documents against the sources, without writing it anywhere. */
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { REPOSITORY } from './blocks.ts';

const SOURCES = {
  millrace: 'src/index.ts',
  'millrace/testing': 'src/testing/index.ts',
  'millrace/retrieval': 'src/retrieval/index.ts',
  'millrace/metrics': 'src/metrics/index.ts',
};

/** Errors as `file:line: message`. @param files texts by absolute path */
export function typeErrors(files: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(join(REPOSITORY, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.config.compilerOptions, REPOSITORY);
  options.paths = Object.fromEntries(
    Object.entries(SOURCES).map(([name, file]) => [name, [join(REPOSITORY, file)]]),
  );
  // a block may show a name that it does not use
  options.noUnusedLocals = false;
  options.rewriteRelativeImportExtensions = false;
  const host = ts.createCompilerHost(options);
  const folders = new Set<string>();
  for (const file of files.keys())
    for (let at = dirname(file); at !== dirname(at); at = dirname(at)) folders.add(at);
  const { fileExists, readFile, directoryExists, getSourceFile } = host;
  host.fileExists = name => files.has(name) || fileExists.call(host, name);
  host.readFile = name => files.get(name) ?? readFile.call(host, name);
  host.directoryExists = name => folders.has(name) || (directoryExists?.call(host, name) ?? false);
  host.getSourceFile = (name, language, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile.call(host, name, language, ...rest)
      : ts.createSourceFile(name, text, language);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap(name => {
    const source = program.getSourceFile(name) as ts.SourceFile;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(d => {
      const { line } = source.getLineAndCharacterOfPosition(d.start ?? 0);
      return `${name}:${line + 1}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`;
    });
  });
}
