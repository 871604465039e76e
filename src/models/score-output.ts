/** The output of a sequence classifier that is a score. */
interface Port {
  readonly name: string;
  readonly shape: readonly unknown[];
}

/** `logits`, else what has two dimensions; undefined where there is none, or it is said to be wider than two. */
export function scoreOutput<P extends Port>(outputs: readonly P[]): P | undefined {
  const found =
    outputs.find(o => o.name === 'logits' && o.shape.length <= 2) ?? outputs.find(o => o.shape.length === 2);
  const width = found?.shape.length === 2 ? found.shape[1] : 1;
  return typeof width === 'number' && width > 2 ? undefined : found;
}
