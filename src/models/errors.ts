export type ModelErrorCode = 'no-cross-encoder';

export interface ModelErrorOptions {
  readonly help?: string;
  readonly cause?: unknown;
  readonly retryable?: boolean;
  readonly code?: ModelErrorCode;
}

/**
 * An error of the models library that a user can cause and mend. The message says where, what was found and what was
 * wanted; `help` says what to do.
 */
export class ModelError extends Error {
  readonly help?: string;
  /** What it is, where a program goes on after it. */
  readonly code?: ModelErrorCode;
  /** True where another try may succeed: a dropped connection, a busy server. */
  readonly retryable: boolean;
  constructor(message: string, options: ModelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ModelError';
    this.help = options.help;
    this.code = options.code;
    this.retryable = options.retryable ?? false;
  }
}
