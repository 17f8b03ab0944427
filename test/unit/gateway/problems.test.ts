// Goal: every problem document has the stated form, and each code is one of its own. Method: all
// of them, against RFC 9457 and the ledger's reasons.
import { describe, expect, test } from 'vitest';
import { problems } from '../../../src/gateway/problems.ts';
import { problemReply } from '../../../src/gateway/reply.ts';
import { failedReasons, refusedReasons } from '../../../src/memory/ledger.ts';
import { exchangeOf } from '../../kit/exchange.ts';

const all = Object.entries(problems);

test('the codes and their statuses', () => {
  expect(Object.fromEntries(all.map(([code, { status }]) => [code, status]))).toEqual({
    'bad-method': 400,
    'bad-target': 400,
    'bad-path-escape': 400,
    'bad-path-dot-segment': 400,
    'bad-host': 400,
    'bad-header-name': 400,
    'bad-header-value': 400,
    'bad-content-length': 400,
    'bad-transfer-encoding': 400,
    'bad-expect': 400,
    'no-route': 404,
    'not-in-cache': 504,
    'method-not-allowed': 405,
    'method-not-implemented': 501,
    'path-too-long': 414,
    'body-too-large': 413,
    'rate-limited': 429,
    'upstream-busy': 503,
    'breaker-open': 503,
    'no-endpoint': 503,
    'not-ready': 503,
    'upstream-connect': 502,
    'upstream-connect-timeout': 504,
    'upstream-headers-timeout': 504,
    'upstream-idle-timeout': 504,
    'upstream-reset': 502,
    'upstream-protocol': 502,
    internal: 500,
  });
});

describe.each(all)('%s', (code, problem) => {
  const document = JSON.parse(problem.body) as Record<string, unknown>;
  const [line = '', ...fields] = problem.head.split('\r\n');

  test('is a problem document', () => {
    expect(Object.keys(document)).toEqual(['type', 'title', 'status', 'code', 'detail']);
    expect(document).toMatchObject({
      type: `urn:cutover:problem:${code}`,
      status: problem.status,
      code,
      title: line.slice(4),
    });
    expect(document['detail']).toMatch(/^[A-Z].{9,}\.$/);
    expect(problem.code).toBe(code);
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test('has a head that can be sent as it is', () => {
    expect(line).toMatch(new RegExp(`^${problem.status} [A-Z][A-Za-z ]+$`));
    expect(fields[0]).toBe('content-type: application/problem+json');
    expect(fields.slice(1)).toEqual(problem.status === 503 ? ['retry-after: 1'] : []);
  });

  test('is counted under a reason of the ledger', () => {
    const { kind, reason } = problem.ledger;
    const reasons: readonly string[] = kind === 'refused' ? refusedReasons : failedReasons;
    expect(reasons).toContain(reason);
  });

  test('closes the connection where what follows cannot be trusted', () => {
    expect(problem.close).toBe([400, 413, 501].includes(problem.status));
  });
});

test('no two have the same detail', () => {
  const details = all.map(([, { body }]) => (JSON.parse(body) as { detail: string }).detail);
  expect(new Set(details).size).toBe(details.length);
});

describe('problemReply', () => {
  test('is the problem', () => {
    const { head, body, status } = problems['no-route'];
    expect(problemReply(exchangeOf(), problems['no-route'], '')).toEqual({ head, body, status });
  });

  test('tells the methods', () => {
    const { head } = problemReply(exchangeOf(), problems['method-not-allowed'], 'allow: GET, PUT');
    expect(head).toBe(
      '405 Method Not Allowed\r\ncontent-type: application/problem+json\r\nallow: GET, PUT',
    );
  });
});
