// Goal: what is stale answers where the route lets it, and is fetched anew behind its answer.
// Method: an origin that answers as the test says; entries that are stale as soon as they are there.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CachedRoute,
  expectSettled,
  header,
  startCachedRoute,
  statusOf,
} from '../kit/cached-route.ts';
import { readExposition } from '../kit/exposition.ts';
import { until } from '../kit/gateway.ts';
import type { SeenRequest } from '../kit/origin.ts';
import { exchange, get } from '../kit/raw-client.ts';

let cached: CachedRoute;
let answer: (request: SeenRequest, response: ServerResponse) => void;
const staleAtOnce = 'max-age=0, stale-while-revalidate=60';

beforeAll(async () => {
  cached = await startCachedRoute(
    {
      stale: { 'while-revalidate': '60s', 'if-error': '60s' },
      methods: ['GET', 'HEAD', 'POST'],
      body: ['$.a'],
    },
    (request, response) => answer(request, response),
    {
      set: ['workers=1'],
      route: { upstream: { retry: { attempts: 1 }, timeout: { headers: '1s' } } },
    },
  );
});

afterAll(() => cached.close());

beforeEach(() => {
  answer = (_request, response) => {
    response.setHeader('cache-control', staleAtOnce);
    response.setHeader('etag', '"1"');
    response.end('old');
  };
});

async function stored(path: string): Promise<void> {
  await until('it is stored', async () =>
    statusOf(await cached.get(path)).startsWith('cutover; hit'),
  );
}

async function acceptedCount(): Promise<number> {
  const { body } = await cached.gateway.admin('GET', '/v1/nodes');
  return body.nodes[0].generations.at(-1).ledger.accepted;
}

async function upstreamRequests(): Promise<number> {
  const { body } = await cached.gateway.admin('GET', '/metrics');
  const metric = readExposition(String(body)).get('cutover_upstream_requests_total');
  return (metric?.samples ?? []).reduce((sum, { value }) => sum + value, 0);
}

describe('stale while revalidate', () => {
  test('answers with what is stale, and the next one with what was fetched behind it', async () => {
    await stored('/swr');
    answer = (_request, response) => {
      response.setHeader('cache-control', 'max-age=60');
      response.end('new');
    };
    await until('the new one answers', async () => (await cached.get('/swr')).body === 'new');
    expect(statusOf(await cached.get('/swr'))).toMatch(/^cutover; hit; ttl=(60|5\d)$/);
    await expectSettled(cached.gateway);
  });

  test('asks whether it still holds, once for all, and goes on with it after a 304', async () => {
    await stored('/swr-304');
    const conditions: unknown[] = [];
    const owed: ServerResponse[] = [];
    answer = ({ headers }, response) => {
      conditions.push(headers['if-none-match']);
      owed.push(response);
    };
    await until('it is asked about', async () => {
      expect((await cached.get('/swr-304')).body).toBe('old');
      return owed.length > 0;
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => cached.get('/swr-304')));
    expect(answers.map(({ body }) => body)).toEqual(Array(20).fill('old'));
    expect(conditions).toEqual(['"1"']);
    for (const response of owed) {
      response.writeHead(304, { etag: '"1"', 'cache-control': 'max-age=60' });
      response.end();
    }
    await until('it is fresh again', async () =>
      /^cutover; hit; ttl=(60|5\d)$/.test(statusOf(await cached.get('/swr-304'))),
    );
    expect(conditions).toHaveLength(1);
    await expectSettled(cached.gateway);
  });

  test('fetches a POST anew with its body', async () => {
    const body = JSON.stringify({ a: 1, b: 'x' });
    const post = () =>
      exchange(
        cached.gateway.port,
        `POST /swr-post HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    await post();
    await until('it is stored', async () => statusOf(await post()).startsWith('cutover; hit'));
    answer = (request, response) => {
      response.setHeader('cache-control', 'max-age=60');
      response.end(`new for ${request.body}`);
    };
    await until('the new one answers', async () => (await post()).body === `new for ${body}`);
    await expectSettled(cached.gateway);
  });

  test('counts the fetch behind as a request to the upstream, and not as an exchange', async () => {
    await stored('/swr-counted');
    await expectSettled(cached.gateway);
    const before = [await upstreamRequests(), await acceptedCount()] as const;
    const asked = cached.origin.seen.length;
    await cached.get('/swr-counted');
    await until('it is fetched', () => cached.origin.seen.length === asked + 1);
    await expectSettled(cached.gateway);
    await until('it is counted', async () => (await upstreamRequests()) === before[0] + 1);
    expect(await acceptedCount()).toBe(before[1] + 1);
  });

  test('leaves what is stored as it is when the fetch behind fails', async () => {
    await stored('/swr-fails');
    const before = cached.askedFor('/swr-fails');
    answer = (_request, response) => response.destroy();
    await until('it is fetched', async () => {
      expect((await cached.get('/swr-fails')).body).toBe('old');
      return cached.askedFor('/swr-fails') > before;
    });
    await expectSettled(cached.gateway);
  });
});

describe('stale if error', () => {
  const failures: [string, typeof answer][] = [
    ['503', (_request, response) => response.writeHead(503).end('down')],
    ['a reset', (_request, response) => response.destroy()],
    ['silence', () => undefined],
  ];

  test.each(failures)('answers with what is stale for %s', async (name, failure) => {
    const path = `/error-${name.replace(' ', '-')}`;
    answer = (_request, response) => {
      response.setHeader('cache-control', 'max-age=0, stale-while-revalidate=0, stale-if-error=60');
      response.setHeader('etag', '"1"');
      response.end('old');
    };
    await cached.get(path);
    answer = failure;
    const noSwr = 'Cache-Control: max-age=0';
    await until('what is stale stands in', async () => {
      const response = await cached.get(path, noSwr);
      return response.body === 'old' && statusOf(response).includes('stale-if-error');
    });
    const head = await exchange(cached.gateway.port, get(path, noSwr).replace('GET', 'HEAD'), {
      toHead: true,
    });
    expect([head.status, header(head, 'content-length')]).toEqual([200, '3']);
    const many = await Promise.all(Array.from({ length: 20 }, () => cached.get(path, noSwr)));
    expect(many.map(({ body }) => body)).toEqual(Array(20).fill('old'));
    await expectSettled(cached.gateway);
  });

  test('lets all that wait for a fetch that fails be answered at once', async () => {
    await stored('/error-many');
    await expectSettled(cached.gateway);
    const before = cached.askedFor('/error-many');
    let first: ServerResponse | null = null;
    answer = (_request, response) => {
      first ??= response;
    };
    const many = Array.from({ length: 20 }, () =>
      cached.get('/error-many', 'Cache-Control: max-age=0'),
    );
    await until('it is fetched', () => first !== null);
    const responses = await Promise.all(many);
    expect(responses.map(({ body }) => body)).toEqual(Array(20).fill('old'));
    expect(cached.askedFor('/error-many') - before).toBeLessThan(5);
    await expectSettled(cached.gateway);
  });

  test('does not hide a failure of what is not stored', async () => {
    answer = (_request, response) => response.writeHead(503).end('down');
    expect((await cached.get('/error-none')).status).toBe(503);
  });
});

test('a client of a fetch whose entry is validated gets it, with the condition of the cache', async () => {
  await stored('/validated');
  answer = ({ headers }, response) => {
    expect(headers['if-none-match']).toBe('"1"');
    response.writeHead(304, { etag: '"1"' });
    response.end();
  };
  const response = await cached.get('/validated', 'Cache-Control: max-age=0');
  expect([response.status, response.body]).toEqual([200, 'old']);
  expect(statusOf(response)).toMatch(/fwd=(stale|request); fwd-status=304/);
});
