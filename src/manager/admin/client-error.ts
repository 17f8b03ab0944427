import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { CutoverError } from '../../base/errors.ts';
import { problemOf } from './problem-reply.ts';

/** What never becomes a request, and so comes to no call: answered here, and the connection closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(refusal(error.code));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function refusal(code: string | undefined): CutoverError {
  const source = 'operator';
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = 'the target and the header lines have over 16 KiB together; send less';
    return new CutoverError('head-too-large', message, { source });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new CutoverError('request-late', 'the request did not come whole in time', { source });
  }
  return new CutoverError('request-invalid', 'this is no HTTP/1.1 request', { source });
}
