import type { FastifyReply } from 'fastify';
import { CutoverError, messageOf } from '../../base/errors.ts';

/** HTTP statuses of errors by code; others are 500. docs/errors.md has what each means. */
export const errorStatus: Readonly<Record<string, number>> = {
  'definitions-invalid': 422,
  'secret-missing': 422,
  'definitions-empty': 422,
  'definitions-too-large': 422,
  'precondition-failed': 412,
  'apply-in-progress': 409,
  'apply-behind': 409,
  'node-refused': 409,
  'cache-off': 409,
  'bust-rate': 429,
  'revision-unknown': 404,
  'object-unknown': 404,
  'call-unknown': 404,
  'query-invalid': 400,
  'body-invalid': 400,
  'request-invalid': 400,
  'request-late': 408,
  'head-too-large': 431,
  'token-missing': 401,
  'stage-failed': 500,
  'node-failed': 500,
  'record-failed': 500,
  'outbox-failed': 500,
  'slots-exhausted': 503,
  'control-silent': 503,
  'control-lost': 503,
  'worker-silent': 503,
  'cluster-key': 503,
  draining: 503,
};

/** What the cluster could not do now begins with `cluster-` (docs/errors.md). */
function statusOf(code: string): number {
  return errorStatus[code] ?? (code.startsWith('cluster-') ? 503 : 500);
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error);
  const { status } = problem;
  if (status === 429) void reply.header('retry-after', '1');
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).type('application/problem+json').send(problem);
}

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** The facts of the error. */
  readonly [fact: string]: unknown;
}

export function problemOf(error: unknown): ProblemDocument {
  const known = error instanceof CutoverError;
  const http = (error as { statusCode?: number }).statusCode;
  const code = known
    ? error.code
    : http === 413
      ? 'body-too-large'
      : http
        ? 'body-invalid'
        : 'internal';
  const status = known ? statusOf(code) : (http ?? 500);
  return {
    type: `urn:cutover:problem:${code}`,
    title: code.replaceAll('-', ' '),
    status,
    code,
    detail: messageOf(error),
    ...(known ? error.context : {}),
  };
}
