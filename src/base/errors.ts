/**
 * The one error type for operating errors: what a client, an upstream, an operator or the machine
 * can cause. Programmer errors are assertions (`assert.ts`).
 */
export type ErrorSource = 'client' | 'upstream' | 'cluster' | 'operator' | 'internal';

/** Whether the same attempt may be made again: never; or safely, since nothing was done yet. */
export type ErrorRetry = 'never' | 'safe';

export interface ErrorOptions {
  readonly source: ErrorSource;
  readonly retry?: ErrorRetry;
  /** Facts for the message's reader: JSON-able, no secrets. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** `code` is stable, kebab-case, and documented in docs/errors.md. */
export class CutoverError extends Error {
  override readonly name = 'CutoverError';
  readonly code: string;
  readonly source: ErrorSource;
  readonly retry: ErrorRetry;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: ErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.source = options.source;
    this.retry = options.retry ?? 'never';
    this.context = options.context ?? {};
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
