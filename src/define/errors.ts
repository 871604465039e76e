/**
 * An error that a user can cause and mend: the command line prints it without a stack. The message says where, what
 * was found and what was wanted; `help` says what to do.
 */
export class UserError extends Error {
  readonly help?: string;
  /** The step it happened in, set by the engine. */
  step?: string;
  constructor(message: string, options: { help?: string; cause?: unknown; step?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.help = options.help;
    this.step = options.step;
  }
}

/** An error that another try may not meet: a busy endpoint, a file that is being written. */
export class RetryableError extends UserError {
  constructor(message: string, options: { help?: string; cause?: unknown } = {}) {
    super(message, options);
    this.name = 'RetryableError';
  }
}
