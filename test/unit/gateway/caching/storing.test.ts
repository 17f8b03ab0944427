// Goal: what may be stored and for how long follows RFC 9111, sections 3 and 4.2, and the route's
// rules. Method: one response each, changed in the one thing that the claim is about.
import { describe, expect, test } from 'vitest';
import { formatHttpDate } from '../../../../src/gateway/caching/http-date.ts';
import {
  judgeResponse,
  type ResponseFacts,
  type StoreAcceptance,
  type StoreRules,
  type StoreVerdict,
} from '../../../../src/gateway/caching/storing.ts';
import { headerLines, linesOf } from '../../../kit/header-lines.ts';

const nowMs = Date.UTC(2026, 0, 15, 12, 0, 0);
const dayMs = 24 * 60 * 60 * 1000;

const noRules: StoreRules = {
  ttlMs: -1,
  negativeTtlMs: -1,
  override: 'origin',
  staleWhileRevalidateMs: -1,
  staleIfErrorMs: -1,
  setCookie: 'refuse',
  heuristics: true,
};

interface Change extends Partial<Omit<ResponseFacts, 'headers' | 'requestHeaders'>> {
  readonly request?: readonly string[];
  readonly rules?: Partial<StoreRules>;
}

function judge(lines: readonly string[], change: Change = {}): StoreVerdict {
  const { request = [], rules = {}, ...facts } = change;
  return judgeResponse(
    {
      method: 'GET',
      requestHeaders: headerLines(...request),
      status: 200,
      headers: headerLines(...lines),
      requestTimeMs: nowMs,
      responseTimeMs: nowMs,
      ...facts,
    },
    { ...noRules, ...rules },
  );
}

function stored(lines: readonly string[], change: Change = {}): StoreAcceptance {
  const verdict = judge(lines, change);
  expect(verdict).toMatchObject({ store: true });
  return verdict as StoreAcceptance;
}

function reason(lines: readonly string[], change: Change = {}): string {
  const verdict = judge(lines, change);
  return verdict.store ? 'stored' : verdict.reason;
}

const date = (offsetSeconds: number) => formatHttpDate(nowMs + offsetSeconds * 1000);

describe('RFC 9111 section 3: what may be stored', () => {
  test.each([
    ['HEAD', 'method'],
    ['PUT', 'method'],
    ['POST', 'stored'],
  ])('the answer to %s: %s', (method, expected) => {
    expect(reason(['cache-control: max-age=60'], { method })).toBe(expected);
  });

  test.each([206, 304, 103])('status %i is not', (status) => {
    expect(reason(['cache-control: max-age=60'], { status })).toBe(
      status === 206 ? 'partial' : 'status',
    );
  });

  test.each([200, 203, 299, 302, 307, 400, 404, 499, 500, 503, 599])(
    'status %i is with explicit freshness',
    (status) => {
      expect(reason(['cache-control: max-age=60'], { status })).toBe('stored');
    },
  );

  test('no-store of the response or the request forbids it', () => {
    expect(reason(['cache-control: max-age=60, no-store'])).toBe('no-store');
    const request = ['cache-control: no-store'];
    expect(reason(['cache-control: max-age=60'], { request })).toBe('request-no-store');
    expect(reason(['cache-control: max-age=60'], { request, rules: { ignoreRequest: true } })).toBe(
      'stored',
    );
  });

  test('section 5.2.2.7: private forbids it, private with fields only these', () => {
    expect(reason(['cache-control: max-age=60, private'])).toBe('private');
    const { headers } = stored(['cache-control: max-age=60, private="x-a"', 'x-a: 1', 'x-b: 2']);
    expect(headers.has('x-a')).toBe(false);
    expect(headers.get('x-b')).toBe('2');
  });

  test('section 5.2.2.3: must-understand asks for a known status and then replaces no-store', () => {
    const lines = ['cache-control: max-age=60, must-understand, no-store'];
    expect(reason(lines, { status: 200 })).toBe('stored');
    expect(reason(lines, { status: 599 })).toBe('must-understand');
    expect(reason(['cache-control: max-age=60, must-understand'], { status: 599 })).toBe(
      'must-understand',
    );
  });

  test.each([
    ['max-age=60', 'authorization'],
    ['max-age=60, proxy-revalidate', 'authorization'],
    ['max-age=60, public', 'stored'],
    ['s-maxage=60', 'stored'],
    ['max-age=60, must-revalidate', 'stored'],
  ])('section 3.5: of an authorised request with %s: %s', (control, expected) => {
    const request = ['authorization: Bearer x'];
    expect(reason([`cache-control: ${control}`], { request })).toBe(expected);
  });

  test('no override shares what was authorised', () => {
    const rules = { override: 'none', ttlMs: 5000 } as const;
    expect(reason([], { request: ['authorization: x'], rules })).toBe('authorization');
  });

  test('section 4.1: Vary with a star forbids it, and names are bounded', () => {
    expect(reason(['cache-control: max-age=60', 'vary: a, *'])).toBe('vary-star');
    const many = Array.from({ length: 17 }, (_, n) => `x-${n}`).join(',');
    expect(reason(['cache-control: max-age=60', `vary: ${many}`])).toBe('vary-too-many');
    expect(stored(['cache-control: max-age=60', 'vary: B, a', 'vary: b']).vary).toEqual(['a', 'b']);
  });

  test('Set-Cookie is never shared unless the route says so', () => {
    const lines = ['cache-control: max-age=60', 'set-cookie: a=b', 'set-cookie: c=d'];
    expect(reason(lines)).toBe('set-cookie');
    expect(stored(lines, { rules: { setCookie: 'strip' } }).headers.has('set-cookie')).toBe(false);
    const kept = stored(lines, { rules: { setCookie: 'store' } }).headers;
    expect(kept.joined('set-cookie')).toBe('a=b, c=d');
  });

  test('what is stale and cannot be revalidated is of no use', () => {
    expect(reason(['cache-control: max-age=0'])).toBe('stale');
    expect(reason(['cache-control: max-age=60', 'age: 60'])).toBe('stale');
    expect(reason(['cache-control: no-cache'])).toBe('no-cache');
    expect(reason(['cache-control: max-age=0', 'etag: "a"'])).toBe('stored');
    expect(reason(['cache-control: max-age=0', 'etag: "a"'], { method: 'POST' })).toBe('stale');
    expect(reason(['cache-control: max-age=0, stale-if-error=9'])).toBe('stored');
  });
});

describe('RFC 9111 section 3.1: the fields that are kept', () => {
  test('all but those of one connection, of proxies, of caches alone, and Age', () => {
    const { headers } = stored([
      'cache-control: max-age=60',
      'connection: close, x-hop',
      'x-hop: 1',
      'keep-alive: timeout=5',
      'proxy-authenticate: Basic',
      'proxy-authentication-info: x',
      'proxy-authorization: x',
      'age: 3',
      'surrogate-control: content="ESI/1.0"',
      'surrogate-key: a b',
      'cache-tag: c',
      'cutover-cache-control: max-age=60, no-cache="x-once"',
      'cdn-cache-control: max-age=60',
      'x-once: 1',
      `date: ${date(0)}`,
      'content-range: kept as it is',
      'x-a: 1',
      'x-a: 2',
    ]);
    expect(linesOf(headers)).toEqual([
      'cache-control: max-age=60',
      'cdn-cache-control: max-age=60',
      `date: ${date(0)}`,
      'content-range: kept as it is',
      'x-a: 1',
      'x-a: 2',
    ]);
  });

  test.each([[[]], [['date: foo']]])('RFC 9110 section 6.6.1: with %j a Date is added', (lines) => {
    const { headers } = stored(['cache-control: max-age=60', ...lines]);
    expect(headers.joined('date')).toBe(date(0));
  });

  test('validators stand apart', () => {
    const verdict = stored([
      'cache-control: max-age=60',
      'etag: W/"a"',
      `last-modified: ${date(-9)}`,
    ]);
    expect(verdict).toMatchObject({ etag: 'W/"a"', lastModified: date(-9) });
    expect(stored(['cache-control: max-age=60'])).toMatchObject({ etag: '', lastModified: '' });
  });
});

describe('RFC 9111 section 4.2.1: freshness lifetime', () => {
  test.each([
    [['cache-control: max-age=60'], 60],
    [['cache-control: max-age=60, s-maxage=5'], 5],
    [['cache-control: max-age=0, s-maxage=5'], 5],
    [[`expires: ${date(30)}`, `date: ${date(0)}`], 30],
    [[`expires: ${date(30)}`, `date: ${date(10)}`], 20],
    [[`expires: ${date(30)}`], 30],
    [[`expires: ${date(30)}`, 'date: foo'], 30],
    [[`expires: ${date(30)}`, `expires: ${date(9)}`], 9],
    [['cache-control: max-age=60', `expires: ${date(-30)}`], 60],
    [['cache-control: max-age=60', 'expires: 0'], 60],
  ])('%j: %i s', (lines, seconds) => {
    expect(stored(lines).freshnessMs).toBe(seconds * 1000);
  });

  test.each([
    [['expires: 0']],
    [[`expires: ${date(30)}`, 'expires: 0']],
    [[`expires: ${date(0)}`, `date: ${date(0)}`]],
    [[`expires: ${date(30)}`, `date: ${date(40)}`]],
    [['cache-control: max-age=x', `expires: ${date(30)}`]],
  ])('section 5.3: %j is stale', (lines) => {
    expect(reason(lines)).toBe('stale');
  });
});

describe('RFC 9111 section 4.2.2: heuristics', () => {
  const modified = [`last-modified: ${date(-86_400)}`];

  test('a tenth of the time since the last change, a day at most', () => {
    expect(stored(modified).freshnessMs).toBe(8_640_000);
    expect(stored([`last-modified: ${date(-86_400 * 365)}`]).freshnessMs).toBe(dayMs);
  });

  test.each([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])('for %i', (status) => {
    expect(stored(modified, { status }).freshnessMs).toBe(8_640_000);
  });

  test.each([201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599])('not for %i', (status) => {
    expect(reason(modified, { status })).toBe('no-freshness');
    const open = [...modified, 'cache-control: public'];
    expect(stored(open, { status }).freshnessMs).toBe(8_640_000);
  });

  test('not where the route has none, nor for POST, nor without ground', () => {
    expect(reason(modified, { rules: { heuristics: false } })).toBe('no-freshness');
    expect(reason(modified, { method: 'POST' })).toBe('no-freshness');
    expect(reason([])).toBe('stale');
    expect(stored(['etag: "a"']).freshnessMs).toBe(0);
  });
});

describe('RFC 9111 section 4.2.3: age', () => {
  const fresh = 'cache-control: max-age=600';

  test('the larger of Age with the time under way and the time since Date', () => {
    expect(stored([fresh]).ageMs).toBe(0);
    expect(stored([fresh], { requestTimeMs: nowMs - 250 }).ageMs).toBe(250);
    expect(stored([fresh, 'age: 7'], { requestTimeMs: nowMs - 250 }).ageMs).toBe(7250);
    expect(stored([fresh, 'age: 7', `date: ${date(-20)}`]).ageMs).toBe(20_000);
    expect(stored([fresh, 'age: 7', `date: ${date(20)}`]).ageMs).toBe(7000);
  });

  test('section 5.1: of a list the first member counts', () => {
    expect(stored([fresh, 'age: 7, 0']).ageMs).toBe(7000);
    expect(stored([fresh, 'age: 0, 7200']).ageMs).toBe(0);
  });

  test.each([['age: abc'], ['age: -1'], ['age: 7.0'], ['age: 7;a=b'], ['age: 0', 'age: 0']])(
    'one that cannot be read (%s) leaves nothing fresh',
    (...lines) => {
      expect(reason([fresh, ...lines])).toBe('stale');
      expect(stored([fresh, 'etag: "a"', ...lines]).freshnessMs).toBe(0);
    },
  );
});

describe('RFC 9111 section 4.2.4 and RFC 5861: staleness', () => {
  const windows = ['cache-control: max-age=1, stale-while-revalidate=30, stale-if-error=60'];

  test('the origin states the windows, the route sets them', () => {
    expect(stored(windows)).toMatchObject({
      staleWhileRevalidateMs: 30_000,
      staleIfErrorMs: 60_000,
      mustRevalidate: false,
    });
    const rules = { staleWhileRevalidateMs: 0, staleIfErrorMs: 5000 };
    expect(stored(windows, { rules })).toMatchObject(rules);
  });

  test.each(['must-revalidate', 'proxy-revalidate'])('%s closes them, the route too', (name) => {
    const rules = { staleWhileRevalidateMs: 5000, staleIfErrorMs: 5000 };
    expect(stored([`${windows[0]}, ${name}`], { rules })).toMatchObject({
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      mustRevalidate: true,
    });
  });

  test('s-maxage forbids what nobody states', () => {
    expect(stored(['cache-control: s-maxage=1'])).toMatchObject({
      mustRevalidate: true,
      staleIfErrorMs: 0,
    });
    expect(stored(['cache-control: s-maxage=1, stale-if-error=9'])).toMatchObject({
      mustRevalidate: true,
      staleIfErrorMs: 9000,
    });
  });

  test('no-cache has none', () => {
    expect(stored(['cache-control: no-cache, stale-if-error=9', 'etag: "a"'])).toMatchObject({
      noCache: true,
      freshnessMs: 0,
      staleIfErrorMs: 0,
    });
  });
});

describe('RFC 9213: targeted fields', () => {
  const control = 'cache-control: max-age=60, no-store';

  test.each([
    ['cutover-cache-control: max-age=5', 5],
    ['cdn-cache-control: max-age=7', 7],
    ['cdn-cache-control: max-age=7;x=1, foo=(1 2)', 7],
    ['surrogate-control: max-age=9', 9],
    ['surrogate-control: MAX-AGE=9;cutover, content="ESI/1.0"', 9],
  ])('%s replaces Cache-Control and Expires', (line, seconds) => {
    expect(stored([control, `expires: ${date(-1)}`, line]).freshnessMs).toBe(seconds * 1000);
  });

  test('the nearest target wins', () => {
    const lines = ['cdn-cache-control: no-store', 'cutover-cache-control: max-age=5'];
    expect(stored([...lines, 'surrogate-control: no-store']).freshnessMs).toBe(5000);
    expect(reason(['surrogate-control: max-age=9', 'cdn-cache-control: private'])).toBe('private');
  });

  test.each([
    'cdn-cache-control:',
    'cdn-cache-control: max-age=',
    'cdn-cache-control: Max-Age=9',
    'cdn-cache-control: max-age=9,',
    'surrogate-control: max-age=9;other',
    'surrogate-control: content="ESI/1.0"',
  ])('section 2.2: %s counts as absent', (line) => {
    expect(stored(['cache-control: max-age=60', line]).freshnessMs).toBe(60_000);
  });

  test.each(['max-age="9"', 'max-age=x', 'max-age', 'max-age=1.5', 'max-age=-1'])(
    'section 2.1: %s is of the wrong type and stale',
    (member) => {
      const lines = ['cache-control: max-age=60', 'etag: "a"'];
      expect(stored([...lines, `cdn-cache-control: ${member}`]).freshnessMs).toBe(0);
    },
  );

  test('lists of fields are strings, false is absence', () => {
    const line = 'cdn-cache-control: max-age=5, private="x-a, x-b", no-store=?0, no-cache=x-c';
    const { headers } = stored([line, 'x-a: 1', 'x-b: 1', 'x-c: 1', 'x-d: 1']);
    expect(headers.names).toEqual(['cdn-cache-control', 'x-d', 'date']);
  });

  test('Expires does not count beside a targeted field without freshness', () => {
    expect(reason([`expires: ${date(30)}`, 'cdn-cache-control: foo'], { status: 302 })).toBe(
      'no-freshness',
    );
  });

  test('Surrogate-Control may add how long it may be stale', () => {
    expect(stored(['surrogate-control: max-age=9+3'])).toMatchObject({
      freshnessMs: 9000,
      staleWhileRevalidateMs: 3000,
    });
  });
});

describe('tags and groups', () => {
  const fresh = 'cache-control: max-age=60';

  test('Surrogate-Key goes by spaces, Cache-Tag by commas, each tag counts once', () => {
    const lines = ['surrogate-key: a b,c  a', 'surrogate-key: d', 'cache-tag: e f, a,,g'];
    expect(stored([fresh, ...lines]).tags).toEqual(['a', 'b,c', 'd', 'e f', 'g']);
  });

  test('RFC 9875 section 2: groups are a list of strings, else none', () => {
    expect(stored([fresh, 'cache-groups: "a, b";x=1, "c"', 'cache-groups: "a, b"']).groups).toEqual(
      ['a, b', 'c'],
    );
    expect(stored([fresh, 'cache-groups: "a", b']).groups).toEqual([]);
    expect(stored([fresh, 'cache-groups: "a']).groups).toEqual([]);
  });

  test('what cannot be kept whole is not stored', () => {
    const many = Array.from({ length: 129 }, (_, n) => `t${n}`).join(' ');
    expect(reason([fresh, `surrogate-key: ${many}`])).toBe('tags-too-many');
    expect(reason([fresh, `cache-tag: ${'x'.repeat(257)}`])).toBe('tags-too-many');
    const groups = Array.from({ length: 129 }, (_, n) => `"g${n}"`).join(', ');
    expect(reason([fresh, `cache-groups: ${groups}`])).toBe('tags-too-many');
  });
});

describe('a route’s rules', () => {
  const ttl = (override: StoreRules['override']) => ({ rules: { ttlMs: 5000, override } });

  test('origin: ttl counts where the origin says nothing', () => {
    expect(stored([], ttl('origin')).freshnessMs).toBe(5000);
    expect(stored([], { ...ttl('origin'), status: 503 }).freshnessMs).toBe(5000);
    expect(stored(['cache-control: max-age=60'], ttl('origin')).freshnessMs).toBe(60_000);
    expect(reason(['cache-control: no-cache'], ttl('origin'))).toBe('no-cache');
    expect(reason(['expires: 0'], ttl('origin'))).toBe('stale');
  });

  test('ttl: it wins over freshness, not over no-store, private and must-revalidate', () => {
    expect(stored(['cache-control: max-age=60'], ttl('ttl')).freshnessMs).toBe(5000);
    expect(stored(['cache-control: no-cache'], ttl('ttl'))).toMatchObject({
      freshnessMs: 5000,
      noCache: false,
    });
    expect(reason(['cache-control: no-store'], ttl('ttl'))).toBe('no-store');
    expect(reason(['cache-control: private'], ttl('ttl'))).toBe('private');
    expect(stored(['cache-control: must-revalidate'], ttl('ttl')).mustRevalidate).toBe(true);
  });

  test('none: it wins over all that the origin says', () => {
    const lines = ['cache-control: no-store, private, no-cache, must-revalidate, stale-if-error=9'];
    expect(stored(lines, ttl('none'))).toMatchObject({
      freshnessMs: 5000,
      noCache: false,
      mustRevalidate: false,
      staleIfErrorMs: 0,
    });
  });

  test('a ttl begins when the response comes, whatever its age', () => {
    const { ageMs, freshnessMs } = stored(['cache-control: max-age=60', 'age: 90'], ttl('ttl'));
    expect(freshnessMs - ageMs).toBe(5000);
  });

  test('an override without ttl changes nothing', () => {
    expect(reason(['cache-control: no-store'], { rules: { override: 'none' } })).toBe('no-store');
    expect(stored(['cache-control: max-age=60'], { rules: { override: 'ttl' } }).freshnessMs).toBe(
      60_000,
    );
  });

  test.each([404, 405, 410, 414, 501])('negative ttl counts for %i alone', (status) => {
    const rules = { negativeTtlMs: 3000, heuristics: false };
    expect(stored([], { status, rules }).freshnessMs).toBe(3000);
    expect(reason([], { status: 403, rules })).toBe('no-freshness');
    expect(stored(['cache-control: max-age=9'], { status, rules }).freshnessMs).toBe(9000);
  });
});
