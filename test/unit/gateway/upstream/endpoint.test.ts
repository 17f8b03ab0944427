// Goal: an endpoint's health and breaker follow what happens on it, and every change is told once.
// Method: outcomes and checks in order; time is an argument.
import { describe, expect, test } from 'vitest';
import { notTheTrial } from '../../../../src/base/breaker.ts';
import { plainSettings, quietEndpoint } from '../../../kit/endpoints.ts';

const health = { unhealthy: 3, healthy: 2 };
const breaker = { failuresPercent: 50, of: 2, openMs: 1000 };

/** `+` good, `-` failed, `?` abandoned exchanges; `G` good and `B` bad checks. */
function run({ endpoint }: ReturnType<typeof quietEndpoint>, steps: string, nowMs = 0): boolean {
  const outcomes = { '+': 'good', '-': 'failed', '?': 'abandoned' } as const;
  for (const step of steps) {
    if (step === 'G' || step === 'B') endpoint.checked(step === 'G');
    else {
      const trial = endpoint.began(nowMs);
      endpoint.ended(outcomes[step as '+' | '-' | '?'], nowMs, trial);
    }
  }
  return endpoint.healthy;
}

describe('health', () => {
  test.each([
    ['--', true],
    ['---', false],
    ['--+--', true],
    ['--?-', false],
    ['-?-?', true],
    ['BB', true],
    ['BBB', false],
    ['-B-', false],
    ['B+B+B', false],
    ['B+BGB', true],
    ['--G--', true],
    ['---G', false],
    ['---GG', true],
    ['---GBG', false],
    ['---GBGG', true],
    ['---++++', false],
    ['---GG--', true],
    ['---GG---', false],
  ])('%s: %s', (steps, healthy) => {
    expect(run(quietEndpoint(undefined, { health }), steps)).toBe(healthy);
  });

  test('without a health block failures tell nothing', () => {
    const quiet = quietEndpoint();
    expect(run(quiet, '----------')).toBe(true);
    expect(quiet.told).toEqual([]);
  });

  test('each change is told once', () => {
    const quiet = quietEndpoint(undefined, { health });
    run(quiet, '-----GGGBBBBGG');
    expect(quiet.told).toEqual([
      ['unhealthy', '3 failures of exchanges in a row'],
      ['healthy', 'checks went well'],
      ['unhealthy', '3 failed checks in a row'],
      ['healthy', 'checks went well'],
    ]);
  });

  test('a health block that is taken away heals', () => {
    const quiet = quietEndpoint(undefined, { health });
    expect(run(quiet, '---')).toBe(false);
    quiet.endpoint.configure(plainSettings);
    expect(quiet.endpoint.healthy).toBe(true);
  });

  test('other settings keep what was learned', () => {
    const quiet = quietEndpoint(undefined, { health });
    run(quiet, '---');
    quiet.endpoint.configure({ ...plainSettings, connections: 1, health });
    expect(quiet.endpoint.healthy).toBe(false);
  });
});

describe('breaker', () => {
  test('opens, and closes after a good trial', () => {
    const quiet = quietEndpoint(undefined, { breaker });
    run(quiet, '--');
    expect([0, 999, 1000].map((nowMs) => quiet.endpoint.breakerAllows(nowMs))).toEqual([
      false,
      false,
      true,
    ]);
    run(quiet, '+', 1000);
    expect(quiet.endpoint.breakerAllows(1000)).toBe(true);
    expect(quiet.told).toEqual([
      ['breaker-open', 'too many failures'],
      ['breaker-closed', 'a trial went well'],
    ]);
  });

  test('tells of each time that it opens', () => {
    const quiet = quietEndpoint(undefined, { breaker });
    run(quiet, '--');
    run(quiet, '-', 1000);
    run(quiet, '-', 2000);
    expect(quiet.told.map(([change]) => change)).toEqual([
      'breaker-open',
      'breaker-open',
      'breaker-open',
    ]);
  });

  test('a trial that its client gave up makes room for the next', () => {
    const quiet = quietEndpoint(undefined, { breaker });
    run(quiet, '--');
    run(quiet, '?', 1000);
    expect(quiet.endpoint.breakerAllows(1000)).toBe(true);
    expect(quiet.told).toHaveLength(1);
  });

  test('what was given up is no outcome', () => {
    const quiet = quietEndpoint(undefined, { breaker });
    run(quiet, '-????');
    expect(quiet.endpoint.breakerAllows(0)).toBe(true);
  });

  test('may come and go with settings', () => {
    const quiet = quietEndpoint(undefined, { breaker });
    run(quiet, '--');
    quiet.endpoint.configure(plainSettings);
    expect(quiet.endpoint.breakerAllows(0)).toBe(true);
    quiet.endpoint.configure({ ...plainSettings, breaker });
    expect(quiet.endpoint.breakerAllows(0)).toBe(true);
    run(quiet, '--');
    expect(quiet.endpoint.breakerAllows(0)).toBe(false);
  });
});

describe('what it is', () => {
  test.each([
    ['http://127.0.0.1:9001', '127.0.0.1:9001'],
    ['http://a.example:80', 'a.example'],
    ['http://a.example:8080', 'a.example:8080'],
    ['http://[::1]:80', '[::1]'],
    ['http://[::1]:81', '[::1]:81'],
  ])('%s has the authority %s', (origin, authority) => {
    expect(quietEndpoint(origin).endpoint.authority).toBe(authority);
  });

  test('it counts what runs on it', () => {
    const { endpoint } = quietEndpoint();
    for (let i = 0; i < 3; i++) endpoint.began(0);
    expect(endpoint.pending).toBe(3);
    endpoint.ended('good', 0, notTheTrial);
    endpoint.ended('failed', 0, notTheTrial);
    endpoint.ended('abandoned', 0, notTheTrial);
    expect(endpoint.pending).toBe(0);
  });

  test('its pool gets each new limit', () => {
    const quiet = quietEndpoint();
    quiet.endpoint.configure({ ...plainSettings, connections: 2, connectMs: 3 });
    expect(quiet.pooled).toEqual([
      [8, 500],
      [2, 3],
    ]);
  });
});
