// Goal: a request is sent again only where that can do no harm and is wanted. Method: the whole
// tables.
import { describe, expect, test } from 'vitest';
import {
  type AttemptFailure,
  isSafeToRepeat,
  wantsRepeat,
  wantsRepeatOfStatus,
} from '../../../../src/gateway/upstream/retry-rule.ts';
import { retryBits } from '../../../../src/memory/shape-kinds.ts';

const idempotent = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'];
const others = ['POST', 'PATCH', 'CONNECT', 'PURGE', 'get', 'constructor', ''];

describe('isSafeToRepeat', () => {
  test('anything that was not sent', () => {
    const methods = [...idempotent, ...others];
    expect(methods.filter((method) => !isSafeToRepeat(method, 'no', false))).toEqual([]);
  });

  test('of what may have been sent, idempotent methods alone', () => {
    const methods = [...idempotent, ...others];
    expect(methods.filter((method) => isSafeToRepeat(method, 'maybe', false))).toEqual(idempotent);
  });

  test('nothing whose body was read', () => {
    const methods = [...idempotent, ...others];
    expect(methods.filter((method) => isSafeToRepeat(method, 'no', true))).toEqual([]);
    expect(methods.filter((method) => isSafeToRepeat(method, 'maybe', true))).toEqual([]);
  });
});

const failures: readonly AttemptFailure[] = [
  'connect',
  'connect-timeout',
  'headers-timeout',
  'idle-timeout',
  'reset',
  'protocol',
];
const statuses = [200, 404, 500, 501, 502, 503, 504, 505];

describe('what a setting asks for', () => {
  test.each<[keyof typeof retryBits, AttemptFailure[], number[]]>([
    ['connect', ['connect', 'connect-timeout'], []],
    ['reset', ['reset'], []],
    ['timeout', ['headers-timeout'], []],
    ['502', [], [502]],
    ['503', [], [503]],
    ['504', [], [504]],
  ])('%s', (name, wantedFailures, wantedStatuses) => {
    const bits = retryBits[name];
    expect(failures.filter((one) => wantsRepeat(bits, one))).toEqual(wantedFailures);
    expect(statuses.filter((one) => wantsRepeatOfStatus(bits, one))).toEqual(wantedStatuses);
  });

  test('all together, and nothing', () => {
    const all = Object.values(retryBits).reduce((sum, bit) => sum | bit, 0);
    const repeatable = ['connect', 'connect-timeout', 'headers-timeout', 'reset'];
    expect(failures.filter((one) => wantsRepeat(all, one))).toEqual(repeatable);
    expect(statuses.filter((one) => wantsRepeatOfStatus(all, one))).toEqual([502, 503, 504]);
    expect(failures.filter((one) => wantsRepeat(0, one))).toEqual([]);
    expect(statuses.filter((one) => wantsRepeatOfStatus(0, one))).toEqual([]);
  });
});
