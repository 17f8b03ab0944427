// Goal: what became of an attempt reaches its endpoint exactly once. Method: attempts on an endpoint
// without connections.
import { describe, expect, test } from 'vitest';
import { Attempt, type AttemptReceiver } from '../../../../src/gateway/upstream/attempt.ts';
import type { ParsedHead } from '../../../../src/gateway/upstream/response-parser.ts';
import { quietEndpoint } from '../../../kit/endpoints.ts';
import { exchangeOf } from '../../../kit/exchange.ts';

const nothing: AttemptReceiver = {
  onHead: () => {},
  onChunk: () => true,
  onEnd: () => {},
  onFailure: () => {},
};

function setUp() {
  const breaker = { failuresPercent: 100, of: 2, openMs: 1000 };
  const quiet = quietEndpoint(undefined, { breaker });
  const attempt = (nowMs = 0): Attempt =>
    new Attempt(exchangeOf({ nowMs }), quiet.endpoint, nothing, nowMs);
  return { ...quiet, attempt };
}

function headOf(status: number): ParsedHead {
  return { status, names: [], values: [], contentLength: 0, connection: '', keepAliveSeconds: -1 };
}

function answer(attempt: Attempt, status: number): void {
  attempt.onHead(headOf(status));
  attempt.onEnd();
}

describe('an attempt', () => {
  test.each([
    ['a good answer', (one: Attempt) => answer(one, 200), true],
    ['a client error', (one: Attempt) => answer(one, 404), true],
    ['a server error', (one: Attempt) => answer(one, 500), false],
    ['a failure', (one: Attempt) => one.onFailure('reset', 'maybe', ''), false],
    ['a client that left', (one: Attempt) => one.abandon(), true],
    [
      'a server error that is sent again',
      (one: Attempt) => {
        one.onHead(headOf(503));
        one.abandon();
      },
      false,
    ],
  ])('with %s', (_name, finish, allows) => {
    const { attempt, endpoint } = setUp();
    for (let i = 0; i < 2; i++) finish(attempt());
    expect(endpoint.breakerAllows(0)).toBe(allows);
    expect(endpoint.pending).toBe(0);
  });

  test('is counted once, whatever comes later', () => {
    const { attempt, endpoint } = setUp();
    const one = attempt();
    answer(one, 503);
    one.abandon();
    one.onFailure('reset', 'maybe', '');
    expect([endpoint.pending, endpoint.breakerAllows(0)]).toEqual([0, true]);
  });
});

describe('the trial of a breaker', () => {
  function onTrial() {
    const { attempt, endpoint, told } = setUp();
    const old = attempt();
    for (let i = 0; i < 2; i++) answer(attempt(), 500);
    const trial = attempt(1000);
    expect(endpoint.breakerAllows(1000)).toBe(false);
    return { old, trial, endpoint, told };
  }

  test('alone decides when nothing else runs', () => {
    const { trial, told } = onTrial();
    answer(trial, 200);
    expect(told.map(([change]) => change)).toEqual(['breaker-open', 'breaker-closed']);
  });

  test('is not decided by a good answer to an older exchange', () => {
    const { old, endpoint, told } = onTrial();
    answer(old, 200);
    expect(told.map(([change]) => change)).toEqual(['breaker-open']);
    expect(endpoint.breakerAllows(1000)).toBe(false);
  });

  test('is not decided by the failure of an older exchange', () => {
    const { old, told } = onTrial();
    old.onFailure('headers-timeout', 'maybe', '');
    expect(told.map(([change]) => change)).toEqual(['breaker-open']);
  });

  test('stays the only one when an older exchange is given up', () => {
    const { old, endpoint } = onTrial();
    old.abandon();
    expect(endpoint.breakerAllows(1000)).toBe(false);
  });

  test('does not keep others out while its good answer streams', () => {
    const { trial, endpoint } = onTrial();
    trial.onHead(headOf(200));
    trial.onChunk(Buffer.from('x'));
    expect(endpoint.breakerAllows(1_000_000)).toBe(true);
  });
});
