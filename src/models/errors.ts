/**
 * An error of the models library that a user can cause and mend. The message says where, what was found and what was
 * wanted; `help` says what to do.
 */
export class ModelError extends Error {
  readonly help?: string;
  /** True where another try may succeed: a dropped connection, a busy server. */
  readonly retryable: boolean;
  constructor(message: string, options: { help?: string; cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ModelError';
    this.help = options.help;
    this.retryable = options.retryable ?? false;
  }
}
