// Goal: checks of an endpoint's health come at their interval, judge by the status, and follow new
// settings. Method: a pool that a test answers for, and fake time.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OutgoingRequest, ResponseSink } from '../../../../src/gateway/upstream/connection.ts';
import type { Endpoint } from '../../../../src/gateway/upstream/endpoint.ts';
import { HealthCheck } from '../../../../src/gateway/upstream/health-check.ts';
import type { ParsedHead } from '../../../../src/gateway/upstream/response-parser.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const settings = { path: '/healthz', intervalMs: 1000, timeoutMs: 300 };

function setUp() {
  const sent: { request: OutgoingRequest; sink: ResponseSink }[] = [];
  const checked: boolean[] = [];
  let takes = true;
  const pool = {
    send: (request: OutgoingRequest, sink: ResponseSink) => {
      if (!takes) return null;
      sent.push({ request, sink });
      return { resume: () => {}, abort: () => {} };
    },
  };
  const endpoint = {
    authority: '10.0.0.1:80',
    pool,
    checked: (good: boolean) => checked.push(good),
  };
  const answer = (status: number): void => {
    const sink = sent.at(-1)?.sink;
    sink?.onHead({ status } as ParsedHead);
    sink?.onEnd();
  };
  const check = new HealthCheck(endpoint as unknown as Endpoint);
  const refuse = (): void => {
    takes = false;
  };
  return { check, sent, checked, answer, refuse };
}

describe('a check', () => {
  test('is a GET with its own time limits', () => {
    const { check, sent } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    expect(sent.map(({ request }) => request)).toEqual([
      {
        method: 'GET',
        head: 'GET /healthz HTTP/1.1\r\nhost: 10.0.0.1:80\r\nuser-agent: cutover-health\r\n',
        body: null,
        headersMs: 300,
        idleMs: 300,
      },
    ]);
  });

  test.each([
    [200, true],
    [204, true],
    [301, true],
    [399, true],
    [400, false],
    [404, false],
    [500, false],
    [503, false],
  ])('answered with %i is good: %s', (status, good) => {
    const { check, checked, answer } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    answer(status);
    expect(checked).toEqual([good]);
  });

  test('that fails is bad, also after a good head', () => {
    const { check, checked, sent } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    sent[0]?.sink.onHead({ status: 200 } as ParsedHead);
    sent[0]?.sink.onFailure('idle-timeout', 'maybe', '');
    expect(checked).toEqual([false]);
  });

  test('that finds no place tells nothing of the endpoint', () => {
    const { check, checked, refuse } = setUp();
    refuse();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    expect(checked).toEqual([]);
  });
});

describe('the interval', () => {
  test('begins at random within it, and counts from each answer', () => {
    const { check, sent, answer } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(499);
    expect(sent).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(5000);
    expect(sent).toHaveLength(1);
    answer(200);
    vi.advanceTimersByTime(999);
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(2);
  });

  test('is not begun anew by the same settings', () => {
    const { check, sent } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(400);
    check.configure({ ...settings, path: '/other' });
    vi.advanceTimersByTime(100);
    expect(sent.map(({ request }) => request.head.split(' ')[1])).toEqual(['/other']);
  });

  test('is begun anew by another one', () => {
    const { check, sent } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(400);
    check.configure({ ...settings, intervalMs: 100 });
    vi.advanceTimersByTime(50);
    expect(sent).toHaveLength(1);
  });
});

describe('a check that is taken away', () => {
  test('does not come', () => {
    const { check, sent } = setUp();
    check.configure(settings);
    check.configure(null);
    vi.advanceTimersByTime(5000);
    expect(sent).toHaveLength(0);
  });

  test('while it runs is not judged', () => {
    const { check, sent, checked, answer } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    check.configure(null);
    answer(500);
    vi.advanceTimersByTime(5000);
    expect([checked, sent.length]).toEqual([[], 1]);
  });

  test('and given back goes on, one at a time', () => {
    const { check, sent, answer } = setUp();
    check.configure(settings);
    vi.advanceTimersByTime(500);
    check.configure(null);
    check.configure(settings);
    vi.advanceTimersByTime(5000);
    expect(sent).toHaveLength(1);
    answer(200);
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(2);
  });
});
