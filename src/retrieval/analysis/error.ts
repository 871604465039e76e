/** Thrown for a spec that names no analyzer or an option it does not have. */
export class AnalyzerError extends Error {
  override name = 'AnalyzerError';
}
