import { problemMember } from './caching/member.ts';
import type { Exchange } from './exchange.ts';
import { HeaderList } from './header-list.ts';
import type { PreparedReply } from './plan/reply-plan.ts';
import type { Problem } from './problems.ts';
import { asBytes, prepareHead } from './response-head.ts';
import { endConnection, endWithoutBody } from './response-relay.ts';

/** Statuses whose responses have no body and no length (RFC 9110, section 6.4.1). */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 304;
}

/** Sends a local reply whole. The caller is corked or corks. */
export function sendReply(exchange: Exchange, reply: PreparedReply, close: boolean): void {
  const { res } = exchange;
  exchange.status = reply.status;
  exchange.body?.discard();
  res.writeStatus(typeof reply.head === 'string' ? asBytes(reply.head) : reply.head);
  if (isBodyless(reply.status)) {
    endWithoutBody(res, -1, close);
    if (close) endConnection();
    return;
  }
  const length = typeof reply.body === 'string' ? Buffer.byteLength(reply.body) : reply.body.length;
  if (exchange.method === 'HEAD') {
    endWithoutBody(res, length, close);
    return;
  }
  exchange.bytesOut = length;
  res.end(reply.body, close);
}

/** The reply for a problem, with a line of its own; with the response policies of a route. */
export function problemReply(exchange: Exchange, problem: Problem, line: string): PreparedReply {
  const policies = exchange.plan?.responsePolicies ?? [];
  const { status, body } = problem;
  let head = line === '' ? problem.head : `${problem.head}\r\n${line}`;
  const member = problemMember(exchange, problem.code);
  if (member !== null) head += `\r\ncache-status: ${member}`;
  if (policies.length > 0) {
    const headers = new HeaderList();
    const [status = '', ...fields] = head.split('\r\n');
    for (const field of fields) {
      const colon = field.indexOf(': ');
      headers.add(field.slice(0, colon), field.slice(colon + 2));
    }
    for (const policy of policies) policy.onResponse(exchange, headers);
    head = prepareHead(status, headers);
  }
  return { status, head, body };
}
