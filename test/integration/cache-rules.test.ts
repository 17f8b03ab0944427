// Goal: a route's cache block says what is stored, under which key and how long. Method: one
// gateway with a route per rule, an origin that counts, and requests that differ in one thing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSettled, header, statusOf } from '../kit/cached-route.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, type RawResponse } from '../kit/raw-client.ts';

let origin: Origin;
let gateway: Gateway;

function route(id: string, cache: object, more: object = {}): object {
  return { id, match: { path: `/${id}/**` }, upstream: 'origin', cache, ...more };
}

beforeAll(async () => {
  let count = 0;
  origin = await startOrigin((request, response) => {
    count += 1;
    const url = new URL(request.url, 'http://test');
    response.statusCode = Number(url.searchParams.get('status') ?? 200);
    for (const [name, value] of url.searchParams) {
      if (name.startsWith('h-')) response.setHeader(name.slice(2), value);
    }
    response.setHeader('x-count', count);
    const padding = 'x'.repeat(Number(url.searchParams.get('size') ?? 0));
    response.end(`${count} ${request.headers['x-tenant'] ?? ''} ${padding}${request.body}`);
  });
  const ttl = '60s';
  gateway = await Gateway.start({
    set: ['workers=1'],
    env: { DEBUG_TOKEN: 'open-sesame' },
    definitions: {
      upstreams: { origin: { endpoints: [origin.url], retry: { attempts: 1 } } },
      routes: [
        route('ttl', { ttl }),
        route('uses', { ttl, 'min-uses': 3 }),
        route('size', { ttl, 'max-size': '4KiB' }),
        route('bypass', { ttl, bypass: { headers: { 'x-fresh': '1' } } }),
        route('no-store', { ttl, 'no-store': { headers: { 'x-private': '1' } } }),
        route('negative', { negative: '60s' }),
        route('status', { 'status-ttl': { 404: '60s', '5xx': '60s' } }),
        route('none', { ttl, override: 'none' }),
        route('strip', { ttl, 'set-cookie': 'strip' }),
        route('store', { ttl, 'set-cookie': 'store' }),
        route('vary', { ttl, vary: { headers: ['x-tenant'], query: ['lang'], cookies: ['ab'] } }),
        route('consumer', { ttl, override: 'none', vary: { consumer: true } }),
        route('encoding', { ttl, vary: { encoding: true } }),
        route('ignore', { ttl, 'request-directives': 'ignore' }),
        route('post', { ttl, methods: ['GET', 'POST'], body: ['$.a', '$.b'] }),
        route('off', { ttl, coalesce: 'off' }),
        route('debug', { ttl, debug: { token: { env: 'DEBUG_TOKEN' } } }),
        route(
          'constant',
          { ttl },
          {
            policies: [
              { headers: { response: { set: { 'x-shape': '2' }, add: { 'x-more': 'a' } } } },
            ],
          },
        ),
        route(
          'each',
          { ttl },
          {
            policies: [{ headers: { response: { set: { 'x-id': '${request.id}' } } } }],
          },
        ),
      ],
    },
  });
});

afterAll(async () => {
  await expectSettled(gateway);
  expect(await gateway.stop()).toBe(0);
  await origin.close();
});

const ask = (path: string, ...lines: string[]) => exchange(gateway.port, get(path, ...lines));
const isHit = (response: RawResponse) => statusOf(response).startsWith('cutover; hit');

async function hit(path: string, ...lines: string[]): Promise<RawResponse> {
  let last = await ask(path, ...lines);
  await until('it is stored', async () => {
    last = await ask(path, ...lines);
    return isHit(last);
  });
  return last;
}

/** Whether the second of two requests is answered by the origin, after what is sent was stored. */
async function asksTwice(path: string, ...lines: string[]): Promise<boolean> {
  const first = await ask(path, ...lines);
  expect(statusOf(first)).not.toContain('stored');
  return !isHit(await ask(path, ...lines));
}

function post(path: string, body: string): Promise<RawResponse> {
  const head = `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: ${Buffer.byteLength(body)}`;
  return exchange(gateway.port, `${head}\r\n\r\n${body}`);
}

describe('time', () => {
  test('of the route is used where the origin says nothing', async () => {
    expect(statusOf(await hit('/ttl/a'))).toMatch(/ttl=(60|5\d)/);
  });

  test('of the origin is used where it says one', async () => {
    const response = await hit('/ttl/b?h-cache-control=max-age%3D1000');
    expect(statusOf(response)).toMatch(/ttl=(1000|99\d)/);
  });

  test('of a status is used for it', async () => {
    expect((await hit('/status/a?status=404')).status).toBe(404);
    expect((await hit('/status/b?status=503')).status).toBe(503);
  });

  test('of negative responses is used for them', async () => {
    expect((await hit('/negative/a?status=410')).status).toBe(410);
    expect(await asksTwice('/negative/b?status=500')).toBe(true);
  });

  test('that wins over all is used whatever the origin says', async () => {
    expect(isHit(await hit('/none/a?h-cache-control=no-store'))).toBe(true);
  });
});

describe('storing', () => {
  test('begins with the third miss where three are asked for', async () => {
    expect(statusOf(await ask('/uses/a'))).not.toContain('stored');
    expect(statusOf(await ask('/uses/a'))).not.toContain('stored');
    expect(statusOf(await ask('/uses/a'))).toContain('stored');
    expect(isHit(await hit('/uses/a'))).toBe(true);
  });

  test('is for bodies within the size of the route', async () => {
    expect(isHit(await hit('/size/a?size=3000'))).toBe(true);
    expect(await asksTwice('/size/b?size=5000')).toBe(true);
  });

  test('a request that goes past the cache neither looks up nor stores', async () => {
    await hit('/bypass/a');
    const past = await ask('/bypass/a', 'X-Fresh: 1');
    expect(isHit(past)).toBe(false);
    await ask('/bypass/b', 'X-Fresh: 1');
    expect(statusOf(await ask('/bypass/b'))).toContain('fwd=uri-miss');
  });

  test('is off where the route says so, though what is stored is used', async () => {
    expect(await asksTwice('/no-store/a', 'X-Private: 1')).toBe(true);
    await hit('/no-store/a');
    expect(isHit(await ask('/no-store/a', 'X-Private: 1'))).toBe(true);
  });

  test('strips cookies, or keeps them, as the route says', async () => {
    const cookie = 'h-set-cookie=a%3D1';
    expect(await asksTwice(`/ttl/cookie?${cookie}`)).toBe(true);
    expect(header(await hit(`/strip/a?${cookie}`), 'set-cookie')).toBe('');
    expect(header(await hit(`/store/a?${cookie}`), 'set-cookie')).toBe('a=1');
  });
});

describe('the key', () => {
  test('a response that varies by a field of forwarding is not stored', async () => {
    for (const name of ['X-Forwarded-For', 'x-forwarded-proto', 'via']) {
      const path = `/ttl/${name}?h-vary=accept,${name}`;
      expect(statusOf(await ask(path))).toContain('detail=vary-changed');
      expect(await asksTwice(path)).toBe(true);
    }
  });

  test('is not said of a variant whose key would be too long', async () => {
    const path = '/ttl/long?h-vary=x-tenant';
    const first = await ask(path, `X-Tenant: ${'a'.repeat(3000)}`);
    expect(statusOf(first)).toMatch(/; fwd=uri-miss; .*detail=key-too-long/);
    expect(statusOf(first)).not.toContain('stored');
    // Nor does it keep others from being stored.
    expect(isHit(await hit(path, 'X-Tenant: b'))).toBe(true);
  });

  test('goes by what the origin says, also where its Connection lists that', async () => {
    const listed = 'h-connection=close,cache-control&h-cache-control';
    const first = await ask(`/ttl/hop?${listed}=private`);
    expect(statusOf(first)).toContain('detail=private');
    const stored = await hit(`/ttl/hop?${listed}=max-age%3D1000`);
    expect(statusOf(stored)).toMatch(/ttl=(1000|99\d)/);
    expect(header(stored, 'cache-control')).toBe('');
  });

  test('a field that Connection lists chooses no key, and no variant of Vary', async () => {
    for (const path of ['/vary/listed', '/ttl/listed?h-vary=x-tenant']) {
      const listed = await hit(path, 'X-Tenant: a', 'Connection: close, X-Tenant');
      expect(listed.body).toMatch(/^\d+ +$/);
      const plain = await ask(path, 'X-Tenant: a');
      expect([isHit(plain), plain.body]).toEqual([false, expect.stringMatching(/^\d+ a $/)]);
      expect((await ask(path)).body).toBe(listed.body);
    }
  });

  test('has the fields, the query and the cookies that the route chooses', async () => {
    const a = await hit('/vary/a?lang=en', 'X-Tenant: a', 'Cookie: ab=1; other=2');
    const same = await ask('/vary/a?lang=en&utm=1', 'X-Tenant: a', 'Cookie: ab=1; other=3');
    expect([isHit(same), same.body]).toEqual([true, a.body]);
    for (const [path, ...lines] of [
      ['/vary/a?lang=de', 'X-Tenant: a', 'Cookie: ab=1'],
      ['/vary/a?lang=en', 'X-Tenant: b', 'Cookie: ab=1'],
      ['/vary/a?lang=en', 'X-Tenant: a', 'Cookie: ab=2'],
    ] as const) {
      expect(isHit(await ask(path, ...lines))).toBe(false);
    }
  });

  test('of a POST stays when another POST goes past the cache', async () => {
    await until('it is stored', async () => isHit(await post('/post/past', '{"a":1}')));
    // Of two members of one name, two readers would take two.
    expect(statusOf(await post('/post/past', '{"a":9,"a":8}'))).toContain('fwd=bypass');
    expect(isHit(await post('/post/past', '{"a":1}'))).toBe(true);
  });

  test('has the chosen fields of a POST, whatever their order and the others', async () => {
    await post('/post/a', '{"a":1,"b":2}');
    await until('it is stored', async () => isHit(await post('/post/a', '{"a":1,"b":2}')));
    expect(isHit(await post('/post/a', '{ "x": 9, "b": 2, "a": 1 }'))).toBe(true);
    expect(isHit(await post('/post/a', '{"a":1,"b":3}'))).toBe(false);
    expect(isHit(await post('/post/a', 'no JSON'))).toBe(false);
    expect((await post('/post/a', 'no JSON')).body).toMatch(/no JSON$/);
  });

  test('shows to who knows the token, and to nobody else', async () => {
    await hit('/debug/a');
    const shown = await ask('/debug/a', 'X-Cutover-Debug: open-sesame');
    expect(statusOf(shown)).toContain('key=');
    expect(statusOf(await ask('/debug/a', 'X-Cutover-Debug: guess'))).not.toContain('key=');
    expect(statusOf(await ask('/debug/a'))).not.toContain('key=');
  });
});

describe('response policies', () => {
  test('that are constant are in what is stored, once', async () => {
    const path = '/constant/a?h-etag=%22a%22';
    const first = await ask(path);
    const again = await hit(path);
    for (const response of [first, again]) {
      expect([header(response, 'x-shape'), header(response, 'x-more')]).toEqual(['2', 'a']);
    }
    const part = await ask(path, 'Range: bytes=0-0');
    expect([part.status, header(part, 'x-shape')]).toEqual([206, '2']);
  });

  test('that differ are applied to each answer', async () => {
    const one = await hit('/each/a');
    const other = await ask('/each/a');
    expect(isHit(other)).toBe(true);
    expect(header(one, 'x-id')).not.toBe('');
    expect(header(other, 'x-id')).not.toBe(header(one, 'x-id'));
  });
});

test('a request may ask for what is fresh, unless the route does not listen', async () => {
  await hit('/ttl/no-cache');
  expect(isHit(await ask('/ttl/no-cache', 'Cache-Control: no-cache'))).toBe(false);
  await hit('/ignore/a');
  expect(isHit(await ask('/ignore/a', 'Cache-Control: no-cache'))).toBe(true);
});

test('without coalescing each goes by itself and what comes is stored', async () => {
  await Promise.all(Array.from({ length: 5 }, () => ask('/off/a')));
  expect(isHit(await hit('/off/a'))).toBe(true);
});

test('vary by consumer shares no answer between those who send Authorization', async () => {
  const path = '/consumer/mine';
  const alice = await exchange(gateway.port, get(path, 'Authorization: Bearer alice'));
  expect(statusOf(alice)).toContain('detail=authorization');
  const bob = await exchange(gateway.port, get(path, 'Authorization: Bearer bob'));
  expect(statusOf(bob)).not.toMatch(/hit|stored/);
  expect(header(bob, 'x-count')).not.toBe(header(alice, 'x-count'));
  const open = '/consumer/open?h-cache-control=s-maxage%3D60';
  const first = await exchange(gateway.port, get(open, 'Authorization: Bearer alice'));
  expect(statusOf(first)).toContain('stored');
});
