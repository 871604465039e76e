/** Marks on parameters that the planner understands. They are zod `meta`, so they stand beside the description. */

/** What a parameter is besides its type. */
export interface ParamMark {
  /** A path or URL, which never enters a fingerprint: read from, written to, or an index of either kind. */
  readonly location?: 'read' | 'write';
  /** How the step works and not what it gives (threads, a device): it never enters a fingerprint. */
  readonly hint?: boolean;
  /** Never logged, stored or reported. */
  readonly secret?: boolean;
  [other: string]: unknown;
}

/** Meta for a path that a step reads: `z.string().describe('…').meta(reads())`. */
export const readsPath = (): ParamMark => ({ location: 'read' });
/** Meta for a path that a step writes. */
export const writesPath = (): ParamMark => ({ location: 'write' });
/** Meta for a parameter that changes how fast a result comes, and not the result. */
export const hint = (): ParamMark => ({ hint: true });
/** Meta for a parameter that must not be seen. */
export const secret = (): ParamMark => ({ secret: true });
