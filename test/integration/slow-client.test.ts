// Goal: what a client does slowly is not held against an upstream. Method: a gateway with short time
// limits, a client that sends no body, and a good client after it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let gateway: Gateway;
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin();
  gateway = await Gateway.start({
    definitions: {
      upstreams: {
        backend: {
          endpoints: [origin.url],
          timeout: { connect: '1s', headers: '200ms', idle: '200ms' },
          breaker: { failures: '100%', of: 1, open: '60s' },
        },
      },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'backend' }],
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

test('a client that sends no body does not open a breaker', async () => {
  const slow = await RawClient.connect(gateway.port);
  slow.send('POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n');
  await slow.response().catch(() => null);
  slow.close();
  expect((await exchange(gateway.port, get('/b'))).status).toBe(200);
});
