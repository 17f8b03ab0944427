// Goal: the access log holds the exchanges that its setting names, and never grows without end.
// Method: finished exchanges, and the batches that were sent.
import { describe, expect, test, vi } from 'vitest';
import type { LogBatch } from '../../../src/base/log-record.ts';
import { AccessLogger } from '../../../src/gateway/access-log.ts';
import type { AccessLog } from '../../../src/model/settings.ts';
import type { Outcome } from '../../../src/telemetry/recorder.ts';
import { type ExchangeParts, exchangeOf } from '../../kit/exchange.ts';

function setUp(access: AccessLog) {
  const batches: LogBatch[] = [];
  const logger = new AccessLogger(access, 'worker-3', (batch) => batches.push(batch));
  const finish = (status: number, outcome: Outcome, parts: ExchangeParts = {}): void => {
    const exchange = exchangeOf(parts);
    exchange.status = status;
    logger.finished(exchange, outcome);
  };
  return { batches, logger, finish };
}

const noRoute: Outcome = { kind: 'refused', reason: 'no-route' };
const ends: readonly (readonly [status: number, outcome: Outcome])[] = [
  [200, 'completed'],
  [404, 'completed'],
  [500, 'completed'],
  [404, noRoute],
  [0, 'aborted'],
  [502, 'connect'],
];

describe('which exchanges', () => {
  test.each<[AccessLog, number[]]>([
    [{ kind: 'off' }, []],
    [{ kind: 'errors' }, [500, 404, 0, 502]],
    [{ kind: 'all' }, [200, 404, 500, 404, 0, 502]],
    [{ kind: 'sample', percent: 100 }, [200, 404, 500, 404, 0, 502]],
    [{ kind: 'sample', percent: 0 }, []],
  ])('%j', (access, statuses) => {
    const { finish, logger, batches } = setUp(access);
    for (const [status, outcome] of ends) finish(status, outcome);
    logger.flush();
    const logged = batches.flatMap(({ records }) => records.map(({ fields }) => fields['status']));
    expect(logged).toEqual(statuses);
  });

  test('a sample is drawn per exchange', () => {
    const lots = [0, 0.0099, 0.01, 0.5, 0.999];
    const random = vi.spyOn(Math, 'random').mockImplementation(() => lots.shift() ?? 1);
    const { finish, logger, batches } = setUp({ kind: 'sample', percent: 1 });
    for (let status = 201; status <= 205; status++) finish(status, 'completed');
    random.mockRestore();
    logger.flush();
    expect(batches[0]?.records.map(({ fields }) => fields['status'])).toEqual([201, 202]);
  });
});

describe('a line', () => {
  test('says what happened', () => {
    const { finish, logger, batches } = setUp({ kind: 'all' });
    finish(404, noRoute, {
      method: 'PUT',
      path: '/a',
      headers: [['host', 'shop.example']],
      routeId: 'catalog',
      upstream: { name: 'backend' },
      beganMs: 100,
      nowMs: 112.34567,
    });
    logger.flush();
    expect(batches[0]?.records[0]).toMatchObject({
      level: 'info',
      thread: 'worker-3',
      message: 'access',
      fields: {
        client: '192.0.2.7',
        method: 'PUT',
        host: 'shop.example',
        path: '/a',
        status: 404,
        outcome: 'refused:no-route',
        bytesIn: 0,
        bytesOut: 0,
        durationMs: 12.346,
        route: 'catalog',
        upstream: 'backend',
        endpoint: '',
        attempts: 0,
        revision: 7,
      },
    });
  });

  test.each<[Outcome, string]>([
    ['completed', 'completed'],
    ['aborted', 'aborted'],
    ['reset', 'reset'],
    [{ kind: 'refused', reason: 'limit' }, 'refused:limit'],
  ])('names the outcome %j', (outcome, text) => {
    const { finish, logger, batches } = setUp({ kind: 'all' });
    finish(200, outcome);
    logger.flush();
    expect(batches[0]?.records[0]?.fields['outcome']).toBe(text);
  });

  test('an exchange whose client is gone asks its connection nothing', () => {
    const { logger, batches } = setUp({ kind: 'all' });
    const exchange = exchangeOf();
    exchange.gone = true;
    logger.finished(exchange, 'aborted');
    logger.flush();
    expect(batches[0]?.records[0]?.fields['client']).toBe('');
  });

  test('a client that is gone is named when its address was read before', () => {
    const { logger, batches } = setUp({ kind: 'all' });
    const exchange = exchangeOf();
    exchange.clientIp();
    exchange.gone = true;
    logger.finished(exchange, 'aborted');
    logger.flush();
    expect(batches[0]?.records[0]?.fields['client']).toBe('192.0.2.7');
  });
});

describe('batches', () => {
  test('are sent when something waits, once', () => {
    const { finish, logger, batches } = setUp({ kind: 'all' });
    logger.flush();
    expect(batches).toEqual([]);
    finish(200, 'completed');
    finish(201, 'completed');
    logger.flush();
    logger.flush();
    expect(batches.map(({ records, dropped }) => [records.length, dropped])).toEqual([[2, 0]]);
  });

  test('hold 8192 records; the rest is counted', () => {
    const { logger, batches } = setUp({ kind: 'off' });
    for (let i = 0; i < 8200; i++) logger.note('info', `note ${i}`, {});
    logger.flush();
    logger.note('info', 'later', {});
    logger.flush();
    expect(batches.map(({ records, dropped }) => [records.length, dropped])).toEqual([
      [8192, 8],
      [1, 0],
    ]);
  });

  test('failures and crashes are logged whatever the setting', () => {
    const { logger, batches } = setUp({ kind: 'off' });
    logger.upstreamFailed(exchangeOf({ upstream: { name: 'backend' } }), 'reset', 'gone');
    logger.crashed(exchangeOf({ path: '/a' }), 'oops', undefined);
    logger.flush();
    expect(batches[0]?.records.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'upstream failed'],
      ['error', 'exchange crashed'],
    ]);
    expect(batches[0]?.records[0]?.fields).toMatchObject({
      failure: 'reset',
      detail: 'gone',
      upstream: 'backend',
    });
  });
});
