// Goal: each exchange is counted once, where it belongs, and logged as the settings say. Method:
// known requests to a fresh gateway, then its metrics and its log lines.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get } from '../kit/raw-client.ts';

let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(({ url }, response) => {
    response.statusCode = Number(/\/(\d+)$/.exec(url)?.[1] ?? 200);
    response.end('origin');
  });
});

afterAll(async () => {
  await origin?.close();
});

const definitions = (): unknown => ({
  upstreams: { main: { endpoints: [origin.url] } },
  routes: [
    { id: 'local', match: { path: '/local' }, respond: { body: 'four' } },
    { id: 'main', match: { path: '/main/**' }, upstream: 'main' },
  ],
});

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function sendAll(gateway: Gateway): Promise<void> {
  for (const request of [
    get('/local'),
    get('/local'),
    get('/main/200'),
    get('/main/404'),
    get('/main/503'),
    post('/main/201', 'hello'),
    get('/nowhere'),
    get('/main/a/../b'),
  ]) {
    await exchange(gateway.port, request);
  }
}

describe('metrics', () => {
  let gateway: Gateway;
  let text = '';

  beforeAll(async () => {
    gateway = await Gateway.start({ definitions: definitions() });
    await sendAll(gateway);
    text = (await gateway.admin('GET', '/metrics')).body;
  });

  afterAll(async () => {
    await gateway?.stop();
  });

  test.each([
    ['cutover_requests_total{route="local",status="2xx"} 2'],
    ['cutover_requests_total{route="main",status="2xx"} 2'],
    ['cutover_requests_total{route="main",status="4xx"} 1'],
    ['cutover_requests_total{route="main",status="5xx"} 1'],
    ['cutover_upstream_requests_total{upstream="main",status="2xx"} 2'],
    ['cutover_received_bytes_total{route="main"} 5'],
    ['cutover_sent_bytes_total{route="main"} 24'],
    ['cutover_sent_bytes_total{route="local"} 8'],
    ['cutover_request_seconds_count{route="main"} 4'],
    ['cutover_request_seconds_bucket{route="local",le="+Inf"} 2'],
    ['cutover_exchanges_total{generation="1",revision="1",outcome="accepted",reason=""} 8'],
    ['cutover_exchanges_total{generation="1",revision="1",outcome="completed",reason=""} 6'],
    ['cutover_exchanges_total{generation="1",revision="1",outcome="refused",reason="no-route"} 1'],
    ['cutover_exchanges_total{generation="1",revision="1",outcome="refused",reason="door"} 1'],
    ['cutover_exchanges_running{generation="1",revision="1"} 0'],
    ['cutover_revision 1'],
  ])('%s', (line) => {
    expect(text.split('\n')).toContain(line);
  });

  test('the ledger is even', () => {
    const count = (outcome: string): number =>
      [...text.matchAll(new RegExp(`outcome="${outcome}"[^}]*\\} (\\d+)`, 'g'))]
        .map(([, digits]) => Number(digits))
        .reduce((sum, one) => sum + one, 0);
    expect(count('accepted')).toBe(
      count('completed') + count('aborted') + count('refused') + count('failed'),
    );
  });

  test('buckets only grow, and every family has its help and type once', () => {
    const buckets = [...text.matchAll(/_bucket\{route="main",le="[^"]+"\} (\d+)/g)];
    const counts = buckets.map(([, digits]) => Number(digits));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(types).toEqual([...new Set(types)]);
    expect([...text.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name)).toEqual(types);
  });
});

describe('the access log', () => {
  interface Line {
    readonly path: string;
    readonly [field: string]: unknown;
  }

  const linesOf = ({ log }: Gateway): Line[] =>
    log
      .split('\n')
      .filter((line) => line.includes('"msg":"access"'))
      .map((line) => JSON.parse(line));

  /** The lines there are once `count` of them came, and all that come until the end. */
  async function linesWith(access: string, count: number): Promise<Line[]> {
    const gateway = await Gateway.start({
      definitions: definitions(),
      set: [`log.access=${access}`],
    });
    await sendAll(gateway);
    await until('they are written', () => linesOf(gateway).length >= count).catch(() => {});
    await gateway.stop();
    return linesOf(gateway);
  }

  test('what was logged last is written before the end', async () => {
    const gateway = await Gateway.start({ definitions: definitions(), set: ['log.access=all'] });
    await sendAll(gateway);
    await gateway.stop();
    await until('the rest was read', () => linesOf(gateway).length === 8, 2_000);
  });

  test('off: nothing', async () => {
    expect(await linesWith('off', 0)).toEqual([]);
  });

  test('errors: what the gateway refused, and 5xx', async () => {
    const lines = await linesWith('errors', 3);
    expect(lines.map(({ path, outcome }) => [path, outcome])).toEqual([
      ['/main/503', 'completed'],
      ['/nowhere', 'refused:no-route'],
      ['/main/a/../b', 'refused:door'],
    ]);
  });

  test('sample 0%: nothing', async () => {
    expect(await linesWith('sample 0%', 0)).toEqual([]);
  });

  test.each(['all', 'sample 100%'])('%s: everything', async (access) => {
    const lines = await linesWith(access, 8);
    expect(lines.map(({ path, status }) => [path, status])).toEqual([
      ['/local', 200],
      ['/local', 200],
      ['/main/200', 200],
      ['/main/404', 404],
      ['/main/503', 503],
      ['/main/201', 201],
      ['/nowhere', 404],
      ['/main/a/../b', 400],
    ]);
    expect(lines[5]).toMatchObject({
      level: 'info',
      client: '127.0.0.1',
      method: 'POST',
      host: 'test',
      outcome: 'completed',
      bytesIn: 5,
      bytesOut: 6,
      route: 'main',
      upstream: 'main',
      endpoint: origin.url,
      attempts: 1,
      revision: 1,
    });
  });

  test('holds no query, where secrets may be', async () => {
    const gateway = await Gateway.start({ definitions: definitions(), set: ['log.access=all'] });
    await exchange(gateway.port, get('/main/200?token=secret', 'Authorization: Bearer secret'));
    await until('it is logged', () => gateway.log.includes('"msg":"access"'));
    await gateway.stop();
    expect(gateway.log).not.toContain('secret');
  });
});
